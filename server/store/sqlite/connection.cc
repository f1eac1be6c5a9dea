#include "server/store/sqlite/connection.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/sqlite/schema.h"
#include "sqlite3.h"

namespace athanor::sqlite {

namespace {

constexpr int kBusyTimeoutMs = 5000;
// Pages in the write-ahead log before a commit folds them into the database: 16 MiB. Larger means fewer, longer folds.
constexpr int kCheckpointPages = 4096;
constexpr int64_t kPageBytes = 4096;

// SQLite takes an empty file for a new database and discards its log; if a log with content lies beside it, the
// database was lost.
absl::Status CheckNotEmptied(const std::string& path) {
  std::error_code ignored;
  const uintmax_t bytes = std::filesystem::exists(path, ignored) ? std::filesystem::file_size(path, ignored) : 0;
  const std::string log = path + "-wal";
  const bool has_log = std::filesystem::exists(log, ignored) && std::filesystem::file_size(log, ignored) > 0;
  if (bytes == 0 && has_log) {
    return absl::DataLossError(absl::StrCat(path, ": is empty or missing, but its log ", log, " is not"));
  }
  return absl::OkStatus();
}

// Closing the last connection folds the log into the database, which a refused file must not see.
void SetFoldOnClose(SQLite::Database& database, bool fold) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, fold ? 0 : 1, nullptr);
}

}  // namespace

absl::StatusOr<SQLite::Database> OpenForWriting(const std::string& path, int64_t cache_kib, int64_t max_bytes) {
  ATHANOR_RETURN_IF_ERROR(CheckNotEmptied(path));
  SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyTimeoutMs);
  SetFoldOnClose(database, false);
  ATHANOR_RETURN_IF_ERROR(CheckDatabase(database, path));
  SetFoldOnClose(database, true);

  database.exec(absl::StrCat("PRAGMA page_size = ", kPageBytes));
  if (max_bytes > 0) database.exec(absl::StrCat("PRAGMA max_page_count = ", max_bytes / kPageBytes));
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec(absl::StrCat("PRAGMA wal_autocheckpoint = ", kCheckpointPages));
  database.exec(absl::StrCat("PRAGMA cache_size = -", cache_kib));
  ATHANOR_RETURN_IF_ERROR(Migrate(database, path));
  database.exec("PRAGMA foreign_keys = ON");
  return database;
}

SQLite::Database OpenForReading(const std::string& path) {
  return SQLite::Database(path, SQLite::OPEN_READONLY, kBusyTimeoutMs);
}

}  // namespace athanor::sqlite
