// A database file as it is at one moment, read only: for checks and backups, beside a coordinator that goes on writing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace athanor {

// Who else may have the file open. Closing a file drops every lock that its process holds on it, so a process that
// serves the file must never open it but through SQLite.
enum class SnapshotOwner { kAnotherProcess, kThisProcess };

struct SnapshotOptions {
  std::string path;
  SnapshotOwner served_by = SnapshotOwner::kAnotherProcess;
  int busy_timeout_ms = 5000;
  std::stop_token stop = {};  // ends what takes long, as CANCELLED
};

// A checkpoint's row, and whose it is.
struct StoredCheckpoint {
  StudyId study = 0;
  Checkpoint checkpoint;
};

// One read transaction, from Open until it is destroyed: everything read through it is one committed state. Meanwhile
// the write-ahead log of a coordinator cannot be folded into the file and grows, by as much as is written.
//
// Writes nothing: a file that nobody serves, without a log, is opened as immutable, so that not even SQLite's side
// files appear beside it; otherwise SQLite's locks keep readers and writer apart.
//
// Threads: one at a time. Blocks on the disk.
//
// Errors, all naming the path: NOT_FOUND: no such file. DATA_LOSS: no database, truncated or corrupt.
// FAILED_PRECONDITION: another program's database. UNAVAILABLE: cannot be read. CANCELLED: `stop` was requested.
class SqliteSnapshot {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteSnapshot>> Open(const SnapshotOptions& options);
  virtual ~SqliteSnapshot() = default;

  virtual int32_t schema_version() const = 0;

  // Whether the file is sound by what SQLite knows of it: every page, index and constraint (integrity_check), the
  // parents of every row, and a schema that is what the migrations make. Calls `found` once a finding, in one line.
  //
  // Performance: reads the whole file, sorts as much as its largest index: about 100 MB a second.
  virtual absl::Status CheckFile(const std::function<void(const std::string&)>& found) = 0;

  // The facts. Commit is FAILED_PRECONDITION. FAILED_PRECONDITION here, naming both versions, if the schema is not that
  // of this program. Owned by the snapshot.
  virtual absl::StatusOr<Store*> History() = 0;

  // Every row, in order of study, trial, step and token; of any schema.
  virtual absl::StatusOr<std::vector<StoredCheckpoint>> Checkpoints() = 0;

  // Copies the database, page by page, to a file that does not exist yet. On return the copy is on disk, but for its
  // name: syncing the directory is up to the caller. A copy that failed half way is removed.
  virtual absl::Status CopyTo(const std::string& target) = 0;

  // UNAVAILABLE if somebody wrote to a file that was opened as immutable, so that nothing read from it means anything.
  // Ask once everything was read.
  virtual absl::Status StillValid() const = 0;
};

// Makes sure that no token up to `count` past the highest in the file will ever be given out: attempts that a backup
// does not know of may still be alive, and none of them may pass for one that is started after it was restored. The
// file is nobody else's and has the schema of this program.
absl::Status SkipTokens(const std::string& path, int64_t count);

}  // namespace athanor
