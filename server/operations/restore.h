// A coordinator's database and checkpoints back from a backup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/operations/backup.h"

namespace athanor {

struct RestoreOptions {
  std::string backup;  // its checkpoints are in BACKUP.checkpoints
  std::string database;
  std::string checkpoint_dir;
  Existing existing = Existing::kRefuse;  // kReplace moves what is there aside
};

struct RestoreSummary {
  int64_t checkpoints = 0;
  std::vector<std::string> left_out;     // checkpoints that the backup has not, or not whole; they are trained again
  std::vector<std::string> moved_aside;  // where what was there has gone
};

// Checks the backup (file and history), copies it, brings the copy to the schema of this program and puts it in place;
// what was there is moved aside as DATABASE.old-1, or the next free number. The backup stays as it is.
//
// A checkpoint that the backup has no file of is a row without one, as a damaged one is: its trial goes on from an
// older one, or is trained again. Logs and artifacts of trials are in no backup: those of a database that is moved
// aside go with it, those without a database stay for the trials that the backup has.
//
// Tokens that were given out after the backup was taken are skipped, so that a worker that still holds one cannot pass
// for the holder of a new lease.
//
// Everything is on disk before anything is moved, and the database comes last. Interrupted in between, it leaves
// DATABASE.restoring, beside which no coordinator starts; it can then be run again.
//
// Errors: FAILED_PRECONDITION: a coordinator has the database open. ALREADY_EXISTS: the database exists. DATA_LOSS: the
// backup is damaged or its history contradicts itself. Those of SqliteSnapshot and of the disk. Nothing was changed
// then, unless a rename failed.
absl::StatusOr<RestoreSummary> Restore(const RestoreOptions& options);

}  // namespace athanor
