// Which checkpoints exist. The files are the business of CheckpointFiles; a checkpoint exists once its row is
// committed. SEMANTICS section 3. Owner thread only.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

class Checkpoints {
 public:
  // Newest checkpoints kept of an unfinished trial: the one to resume from and, should it be unreadable, the one
  // before.
  static constexpr size_t kKeptWhileUnfinished = 2;

  explicit Checkpoints(State& state) : state_(state) {}

  // Before the first byte: FAILED_PRECONDITION if the lease is dead, INVALID_ARGUMENT if step, size or hash cannot be.
  absl::Status CheckUpload(const LeaseRef& lease, const Checkpoint& checkpoint) const;
  // The file is complete and synced: makes the checkpoint exist and drops older ones of the trial. Repeating it changes
  // nothing. Errors as CheckUpload.
  absl::Status Register(Transaction& tx, const LeaseRef& lease, Checkpoint checkpoint);
  // FAILED_PRECONDITION if the lease is dead; NOT_FOUND if the trial has no such checkpoint.
  absl::Status CheckDownload(const LeaseRef& lease, const std::string& sha256) const;

  // Hashes of every registered checkpoint. O(checkpoints).
  std::vector<std::string> Hashes() const;

 private:
  State& state_;
};

}  // namespace athanor
