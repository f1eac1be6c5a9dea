// A copy of everything that a coordinator keeps, taken while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/sqlite/snapshot.h"

namespace athanor {

enum class Existing { kRefuse, kReplace };

struct BackupOptions {
  std::string database;
  std::string checkpoint_dir;
  std::string target;  // the copy; its checkpoints go to TARGET.checkpoints
  Existing existing = Existing::kRefuse;
  std::stop_token stop = {};
};

struct BackupSummary {
  int64_t database_bytes = 0;
  int64_t checkpoints = 0;
  std::vector<std::string> left_out;  // checkpoints whose file was missing or damaged; legal: they are trained again
};

// Copies the database as it was at one moment, everything included that was acknowledged before this was called, and
// the files of its checkpoints. The coordinator is not held up; its log grows by what it writes meanwhile. A checkpoint
// that it deletes before its file was kept makes another snapshot be taken, a few times.
//
// The copy is written aside, checked page by page, synced and renamed: TARGET exists only when all of it does. Logs of
// trials are not part of it. The schema stays what it is, also an older one.
//
// Errors: ALREADY_EXISTS: TARGET exists. DATA_LOSS: the database is corrupt (nothing is left of the copy). Those of
// SqliteSnapshot and of the disk.
absl::StatusOr<BackupSummary> Backup(const BackupOptions& options);

}  // namespace athanor
