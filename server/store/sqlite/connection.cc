#include "server/store/sqlite/connection.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/sqlite/file_check.h"
#include "server/store/sqlite/schema.h"
#include "sqlite3.h"

namespace athanor::sqlite {

namespace {

// Pages in the write-ahead log before a commit folds them into the database: 16 MiB. Larger means fewer, longer folds.
constexpr int kCheckpointPages = 4096;
constexpr int64_t kPageBytes = 4096;
constexpr int64_t kSmallCacheKib = 2048;

// Closing the last connection folds the log into the database, which a refused file must not see.
enum class OnClose { kFoldLog, kLeaveFile };

void SetOnClose(SQLite::Database& database, OnClose action) {
  const int leave = action == OnClose::kLeaveFile ? 1 : 0;
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave, nullptr);
}

int64_t BytesOf(const std::string& path) {
  std::error_code missing;
  const uintmax_t bytes = std::filesystem::file_size(path, missing);
  return missing ? 0 : static_cast<int64_t>(bytes);
}

std::string CacheSize(int64_t kib) { return absl::StrCat("PRAGMA cache_size = -", kib); }

}  // namespace

absl::StatusOr<SQLite::Database> OpenForWriting(const SqliteOptions& options) {
  const std::string& path = options.path;
  const std::span<const Migration> migrations = options.migrations.empty() ? Migrations() : options.migrations;
  ATHANOR_RETURN_IF_ERROR(CheckFile(path));
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX,
                            options.busy_timeout_ms);
  SetOnClose(database, OnClose::kLeaveFile);
  // SQLite takes a file that it may not write to as it is, and would tell at the first commit only.
  if (sqlite3_db_readonly(database.getHandle(), "main") == 1) {
    return absl::UnavailableError(absl::StrCat(path, ": is read-only"));
  }
  ATHANOR_RETURN_IF_ERROR(CheckIdentity(database, path, migrations));
  if (BytesOf(path) <= options.check_pages_up_to) ATHANOR_RETURN_IF_ERROR(CheckPages(database, path));
  SetOnClose(database, OnClose::kFoldLog);

  database.exec(absl::StrCat("PRAGMA page_size = ", kPageBytes));
  if (options.max_bytes > 0) database.exec(absl::StrCat("PRAGMA max_page_count = ", options.max_bytes / kPageBytes));
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec(absl::StrCat("PRAGMA wal_autocheckpoint = ", kCheckpointPages));
  database.exec(CacheSize(options.cache_kib));
  ATHANOR_RETURN_IF_ERROR(Migrate(database, path, migrations, options.faults));
  database.exec("PRAGMA foreign_keys = ON");
  return database;
}

SQLite::Database OpenForReading(const SqliteOptions& options) {
  return SQLite::Database(options.path, SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX, options.busy_timeout_ms);
}

SmallCache::SmallCache(SQLite::Database& database, int64_t cache_kib) : database_(database), cache_kib_(cache_kib) {
  database_.tryExec(CacheSize(std::min(kSmallCacheKib, cache_kib_)));
}

SmallCache::~SmallCache() { database_.tryExec(CacheSize(cache_kib_)); }

}  // namespace athanor::sqlite
