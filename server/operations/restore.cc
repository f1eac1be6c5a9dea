#include "server/operations/restore.h"

#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/operations/check_file.h"
#include "server/operations/checkpoint_copies.h"
#include "server/store/artifact_files.h"
#include "server/store/files.h"
#include "server/store/log_files.h"
#include "server/store/sqlite/file_check.h"
#include "server/store/sqlite/file_lock.h"
#include "server/store/sqlite/sqlite_store.h"

namespace athanor {
namespace {

// More than any coordinator gives out between a backup and the need of it.
constexpr int64_t kSkippedTokens = 1 << 24;

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// A database with what SQLite and we put beside it.
void RemoveDatabase(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal", ".lock"}) std::filesystem::remove(path + suffix, ignored);
}

// The first finding that makes a backup useless.
absl::Status CheckBackup(const std::string& path) {
  CheckFileOptions options;
  options.snapshot.path = path;
  std::string first;
  ATHANOR_ASSIGN_OR_RETURN(const CheckFileSummary summary, CheckFile(options, [&](const Finding& finding) {
                             if (first.empty()) first = finding.text;
                           }));
  if (summary.findings == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the backup is not sound: ", first, summary.findings > 1 ? "; and " : "",
                                          summary.findings > 1 ? absl::StrCat(summary.findings - 1, " more") : ""));
}

// Copies the backup to `aside`, ready to be served.
absl::StatusOr<std::vector<StoredCheckpoint>> Prepare(const RestoreOptions& options, const std::string& aside) {
  SnapshotOptions source;
  source.path = options.backup;
  ATHANOR_ASSIGN_OR_RETURN(const auto snapshot, SqliteSnapshot::Open(source));
  ATHANOR_RETURN_IF_ERROR(snapshot->CopyTo(aside));
  ATHANOR_RETURN_IF_ERROR(snapshot->StillValid());
  SqliteOptions upgrade;
  upgrade.path = aside;
  ATHANOR_RETURN_IF_ERROR(OpenSqliteStore(upgrade).status());
  ATHANOR_RETURN_IF_ERROR(CheckBackup(aside));
  ATHANOR_RETURN_IF_ERROR(SkipTokens(aside, kSkippedTokens));
  return snapshot->Checkpoints();
}

// Moves the database with its log, and the checkpoints, out of the way; the log after the database, because a log
// without a database is noticed. Logs and artifacts of trials go along with the database that they are of: beside
// another, a coordinator would show them as those of its own trials and delete the rest. Without one there is none but
// the restored one that they can be of.
absl::StatusOr<std::vector<std::string>> MoveAside(const RestoreOptions& options) {
  int number = 1;
  const auto old = [&](const std::string& path) { return absl::StrCat(path, ".old-", number); };
  const std::string logs = LogDirectoryOf(options.database);
  const std::string artifacts = ArtifactDirectoryOf(options.database);
  const auto taken = [&] {
    return Exists(old(options.database)) || Exists(old(options.checkpoint_dir)) || Exists(old(logs)) ||
           Exists(old(artifacts));
  };
  while (taken()) ++number;
  std::vector<std::string> moved;
  const auto move = [&](const std::string& from, const std::string& to) {
    if (!Exists(from)) return absl::OkStatus();
    absl::Status status = RenameDurably(from, to);
    if (status.ok()) moved.push_back(to);
    return status;
  };
  const bool are_its_own = Exists(options.database);
  ATHANOR_RETURN_IF_ERROR(move(options.database, old(options.database)));
  ATHANOR_RETURN_IF_ERROR(move(options.database + "-wal", old(options.database) + "-wal"));
  ATHANOR_RETURN_IF_ERROR(move(options.checkpoint_dir, old(options.checkpoint_dir)));
  if (are_its_own) {
    ATHANOR_RETURN_IF_ERROR(move(logs, old(logs)));
    ATHANOR_RETURN_IF_ERROR(move(artifacts, old(artifacts)));
  }
  std::error_code ignored;
  std::filesystem::remove(options.database + "-shm", ignored);
  return moved;
}

}  // namespace

absl::StatusOr<RestoreSummary> Restore(const RestoreOptions& options) {
  if (!Exists(DirectoryOf(options.database))) {
    return absl::NotFoundError(absl::StrCat(options.database, ": no directory ", DirectoryOf(options.database)));
  }
  // Before the lock, which would leave its file beside a database that is never made.
  if (!Exists(options.backup)) return absl::NotFoundError(absl::StrCat(options.backup, ": no such file"));
  ATHANOR_ASSIGN_OR_RETURN(const auto lock, sqlite::FileLock::Acquire(options.database));
  if (options.existing == Existing::kRefuse && Exists(options.database)) {
    return absl::AlreadyExistsError(absl::StrCat(options.database, ": exists; --force moves it aside"));
  }
  const std::string aside = options.database + sqlite::kRestoringSuffix;
  const std::string files_aside = options.checkpoint_dir + sqlite::kRestoringSuffix;
  std::error_code ignored;
  RemoveDatabase(aside);
  std::filesystem::remove_all(files_aside, ignored);

  const auto rows = Prepare(options, aside);
  if (!rows.ok()) {
    RemoveDatabase(aside);
    return rows.status();
  }
  RestoreSummary summary;
  ATHANOR_ASSIGN_OR_RETURN(summary.left_out, KeepCheckpointFiles(options.backup + ".checkpoints", files_aside, *rows));
  summary.checkpoints = static_cast<int64_t>(rows->size() - summary.left_out.size());
  ATHANOR_ASSIGN_OR_RETURN(summary.moved_aside, MoveAside(options));
  ATHANOR_RETURN_IF_ERROR(RenameDurably(files_aside, options.checkpoint_dir));
  ATHANOR_RETURN_IF_ERROR(RenameDurably(aside, options.database));
  RemoveDatabase(aside);  // the lock that opening it left
  return summary;
}

}  // namespace athanor
