// Checkpoint files outside the coordinator that owns them: in a backup, and on their way into and out of it. Files are
// named by their SHA-256 and never change, so that a second name for one is as good as a copy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/core/trial.h"
#include "server/store/sqlite/snapshot.h"

namespace athanor {

// Reads the file of a checkpoint in `directory`. NOT_FOUND: missing. DATA_LOSS: size or hash are others. UNAVAILABLE:
// cannot be read. The message starts with the path.
absl::Status CheckCheckpointFile(const std::string& directory, const Checkpoint& checkpoint);

// Puts the file of a checkpoint of `from` into `to`, unless it is there: as a second name where both are on one file
// system, else as a copy, written aside and synced. The name is on disk once `to` is synced. A copy is checked against
// size and hash on its way. Errors: as CheckCheckpointFile; RESOURCE_EXHAUSTED: the disk is full.
absl::Status KeepCheckpointFile(const std::string& from, const std::string& to, const Checkpoint& checkpoint);

// The same for all of `rows`. Those that are missing or damaged are left out and told, a line each; other errors end
// it. Creates `to`, and syncs it.
absl::StatusOr<std::vector<std::string>> KeepCheckpointFiles(const std::string& from, const std::string& to,
                                                             const std::vector<StoredCheckpoint>& rows);

// Deletes what no row names from a directory that KeepCheckpointFiles filled.
void DropOtherFiles(const std::string& directory, const std::vector<StoredCheckpoint>& rows);

}  // namespace athanor
