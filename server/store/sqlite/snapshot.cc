#include "server/store/sqlite/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "SQLiteCpp/Backup.h"
#include "SQLiteCpp/SQLiteCpp.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/store/files.h"
#include "server/store/sqlite/errors.h"
#include "server/store/sqlite/file_check.h"
#include "server/store/sqlite/schema.h"
#include "server/store/sqlite/snapshot_store.h"
#include "server/store/sqlite/statement.h"
#include "sqlite3.h"

namespace athanor {
namespace {

using sqlite::Guarded;
using sqlite::Rows;
using sqlite::Statement;

constexpr int kInstructionsBetweenStops = 10'000;  // of SQLite's virtual machine: some 100 us

// What tells a file that was written to from one that was not.
struct FileStamp {
  ino_t inode = 0;
  off_t bytes = 0;
  timespec modified{};
  bool operator==(const FileStamp& other) const {
    return inode == other.inode && bytes == other.bytes && modified.tv_sec == other.modified.tv_sec &&
           modified.tv_nsec == other.modified.tv_nsec;
  }
};

FileStamp StampOf(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size, status.st_mtim};
}

bool HasSideFiles(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path + "-wal", ignored) || std::filesystem::exists(path + "-shm", ignored);
}

// As a URI, in which some characters have another meaning.
std::string ImmutableUri(std::string_view path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      absl::StrAppend(&uri, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

class Snapshot final : public SqliteSnapshot {
 public:
  Snapshot(const SnapshotOptions& options, SQLite::Database database, std::optional<FileStamp> stamp)
      : path_(options.path), stop_(options.stop), database_(std::move(database)), stamp_(stamp) {
    // Whoever serves the file folds the log; a reader that is the last to close it leaves it as it is.
    sqlite3_db_config(database_.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_progress_handler(database_.getHandle(), kInstructionsBetweenStops, &Snapshot::StopIsRequested, this);
  }

  absl::Status Begin() {
    return Run([&]() -> absl::Status {
      database_.exec("BEGIN");
      ATHANOR_RETURN_IF_ERROR(sqlite::CheckIdentity(database_, path_));
      version_ = static_cast<int32_t>(sqlite::SchemaVersion(database_));
      return absl::OkStatus();
    });
  }

  int32_t schema_version() const override { return version_; }

  absl::Status CheckFile(const std::function<void(const std::string&)>& found) override {
    return Run([&]() -> absl::Status {
      Statement pages(database_, "PRAGMA integrity_check");
      bool sound = true;
      for (Rows row = pages.Query(); row.Next();) {
        const std::string line = row.Text();
        if (line == "ok") continue;
        sound = false;
        found(absl::StrCat(path_, ": corrupt: ", line));
      }
      if (!sound) return absl::OkStatus();  // what follows would read what is broken
      Statement keys(database_, "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2");
      for (Rows row = keys.Query(); row.Next();) {
        const std::string child = row.Text(), parent = row.Text();
        found(absl::StrCat(path_, ": ", row.Int(), " rows of ", child, " have no row of ", parent));
      }
      for (const std::string& difference : sqlite::SchemaDifferences(database_)) {
        found(absl::StrCat(path_, ": ", difference));
      }
      return absl::OkStatus();
    });
  }

  absl::StatusOr<Store*> History() override {
    if (version_ != sqlite::LatestSchemaVersion()) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": has schema version ", version_,
                                                        ", this program reads ", sqlite::LatestSchemaVersion(),
                                                        "; a coordinator that is started on it upgrades it"));
    }
    if (!history_.has_value()) history_.emplace(database_, path_, version_);
    return &*history_;
  }

  absl::StatusOr<std::vector<StoredCheckpoint>> Checkpoints() override {
    std::vector<StoredCheckpoint> rows;
    ATHANOR_RETURN_IF_ERROR(Run([&]() -> absl::Status {
      Statement select(database_,
                       "SELECT study, trial, step, token, sha256, size_bytes FROM checkpoints "
                       "ORDER BY study, trial, step, token");
      for (Rows row = select.Query(); row.Next();) {
        StoredCheckpoint& stored = rows.emplace_back();
        stored.study = row.Int();
        stored.checkpoint.trial = row.Int();
        stored.checkpoint.step = row.Int();
        stored.checkpoint.token = row.Int();
        stored.checkpoint.sha256 = row.Text();
        stored.checkpoint.size_bytes = row.Int();
      }
      return absl::OkStatus();
    }));
    return rows;
  }

  absl::Status CopyTo(const std::string& target) override {
    absl::Status status = Run([&]() -> absl::Status {
      SQLite::Database copy(target, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      // Nobody reads it before it is whole, and it is synced once at the end.
      copy.exec("PRAGMA journal_mode = OFF");
      copy.exec("PRAGMA synchronous = OFF");
      SQLite::Backup backup(copy, database_);
      constexpr int kPagesBetweenStops = 4096;
      while (backup.executeStep(kPagesBetweenStops) != SQLITE_DONE) {
        if (stop_.stop_requested()) return absl::CancelledError("the copy was stopped");
      }
      return absl::OkStatus();
    });
    if (status.ok()) status = Sync(target);
    if (!status.ok()) {
      std::error_code ignored;
      std::filesystem::remove(target, ignored);
    }
    return status;
  }

  absl::Status StillValid() const override {
    if (!stamp_.has_value() || (*stamp_ == StampOf(path_) && !HasSideFiles(path_))) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(path_, ": was written to meanwhile; try again"));
  }

 private:
  static int StopIsRequested(void* snapshot) { return static_cast<Snapshot*>(snapshot)->stop_.stop_requested(); }

  template <typename Body>
  absl::Status Run(Body body) {
    absl::Status status = Guarded(path_, body);
    if (!status.ok() && stop_.stop_requested()) return absl::CancelledError(absl::StrCat(path_, ": stopped"));
    return status;
  }

  static absl::Status Sync(const std::string& file) {
    const OpenFile written(file, O_RDONLY);
    const bool synced = written.get() >= 0 && fsync(written.get()) == 0;
    return synced ? absl::OkStatus() : IoError(file, "sync", errno);
  }

  const std::string path_;
  const std::stop_token stop_;
  SQLite::Database database_;
  const std::optional<FileStamp> stamp_;  // of a file opened as immutable
  int32_t version_ = 0;
  std::optional<sqlite::SnapshotStore> history_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteSnapshot>> SqliteSnapshot::Open(const SnapshotOptions& options) {
  const std::string& path = options.path;
  const bool served_here = options.served_by == SnapshotOwner::kThisProcess;
  if (!served_here) {
    if (StampOf(path).bytes == 0 && !HasSideFiles(path))
      return absl::NotFoundError(absl::StrCat(path, ": no database"));
    ATHANOR_RETURN_IF_ERROR(sqlite::CheckFile(path));
  }
  return Guarded(path, [&]() -> absl::StatusOr<std::unique_ptr<SqliteSnapshot>> {
    const bool immutable = !served_here && !HasSideFiles(path);
    std::optional<FileStamp> stamp;
    if (immutable) stamp = StampOf(path);
    const int flags = SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX;
    SQLite::Database database(immutable ? ImmutableUri(path) : path, immutable ? flags | SQLite::OPEN_URI : flags,
                              options.busy_timeout_ms);
    auto snapshot = std::make_unique<Snapshot>(options, std::move(database), stamp);
    ATHANOR_RETURN_IF_ERROR(snapshot->Begin());
    return snapshot;
  });
}

absl::Status SkipTokens(const std::string& path, int64_t count) {
  return Guarded(path, [&] {
    SQLite::Database database(path, SQLite::OPEN_READWRITE);
    Statement(database,
              "INSERT INTO high_water (name, value) SELECT 'token', coalesce(max(token), 0) + ?1 FROM attempts "
              "WHERE true ON CONFLICT (name) DO UPDATE SET value = max(value + ?1, excluded.value)")
        .Run(count);
    return absl::OkStatus();
  });
}

}  // namespace athanor
