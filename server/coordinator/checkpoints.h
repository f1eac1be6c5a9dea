// Which checkpoints exist, and room for more. The files are the business of CheckpointFiles; a checkpoint exists once
// its row is committed, and its file goes after the row has gone. SEMANTICS section 3; what is needed: retention.h.
// Owner thread only.
//
// The quota (CoordinatorOptions::checkpoint_quota_bytes) bounds what the files of all rows and of the uploads under way
// take, without what an upload replaces: so for the time of the upload the disk may hold so much more. An upload that
// would pass it, or that the disk has no room for, takes the checkpoints of paused trials first, then of those that
// only a retry would use (eviction.h), and is refused if those are not enough, or if it is of the end of a trial that
// is not among the best of its study. Nothing is deleted for an upload that is refused.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

// Held by an upload under way: its bytes count as used until the last copy is gone. May outlive the coordinator.
using UploadRoom = std::shared_ptr<void>;

struct GarbageReport {
  std::vector<CollectedCheckpoint> deleted;  // by trial, newest first; in a dry run: what would be
  int64_t deleted_bytes = 0;
  int64_t kept = 0;  // checkpoints that stay
  int64_t kept_bytes = 0;
};
enum class GarbageMode { kDelete, kDryRun };
enum class CheckpointChoice { kBest, kNewest };

class Checkpoints {
 public:
  explicit Checkpoints(State& state) : state_(state), uploading_(std::make_shared<std::atomic<int64_t>>(0)) {}

  // FAILED_PRECONDITION if the lease is dead, INVALID_ARGUMENT if step, size or hash cannot be.
  absl::Status CheckUpload(const LeaseRef& lease, const Checkpoint& checkpoint) const;
  // Before the first byte: room for the file, on a disk with `disk_free_bytes` to spare. Rows that give way are
  // removed; their files must have gone before the upload is written. RESOURCE_EXHAUSTED naming quota and
  // use, or the disk, if even those are not enough; other errors as CheckUpload.
  absl::StatusOr<UploadRoom> MakeRoom(Transaction& tx, const LeaseRef& lease, const Checkpoint& checkpoint,
                                      int64_t disk_free_bytes);
  // The file is complete and synced: makes the checkpoint exist and drops older ones of the trial. Repeating it changes
  // nothing. Errors as CheckUpload.
  absl::Status Register(Transaction& tx, const LeaseRef& lease, Checkpoint checkpoint);
  // FAILED_PRECONDITION if the lease is dead; NOT_FOUND if the trial has no such checkpoint.
  absl::Status CheckDownload(const LeaseRef& lease, const std::string& sha256) const;

  // A checkpoint of a trial in any state, for a client. A checkpoint holds the best model until its step, so kBest is
  // the oldest of those saved at or after the trial's best step or, without one (it was stopped between two), the
  // newest. NOT_FOUND: no such study or trial, or the trial has none (any more), and why.
  absl::StatusOr<Checkpoint> Find(const std::string& study, TrialNumber trial, CheckpointChoice choice) const;

  // Deletes what nothing needs, those included that only the retry of a FAILED or CANCELLED trial would use. Repeating
  // a request id deletes nothing and tells what was deleted then, and what is kept now. NOT_FOUND: no such study.
  // O(checkpoints of the study).
  absl::StatusOr<GarbageReport> CollectGarbage(Transaction& tx, const std::string& study, GarbageMode mode,
                                               const RequestKey& request);

  // What the quota is compared with. O(studies).
  int64_t BytesInUse() const;
  // Hashes of every registered checkpoint. O(checkpoints).
  std::vector<std::string> Hashes() const;

 private:
  // Has others give up at least so many bytes. False, and nothing done, if they have not as many.
  bool Evict(Transaction& tx, int64_t bytes);

  State& state_;
  std::shared_ptr<std::atomic<int64_t>> uploading_;
};

}  // namespace athanor
