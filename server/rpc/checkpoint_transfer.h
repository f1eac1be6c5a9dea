// Checkpoints on their way to and from the disk of the coordinator, without their carrier. One step at a time: the next
// only when the one before has answered. None blocks; steps run on the pool of transfers and answer from there or from
// the owner thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "athanor/v1/worker_service.pb.h"
#include "server/rpc/service_context.h"

namespace athanor {

// How many transfers run at once. Thread-safe.
class TransferSlots {
 public:
  explicit TransferSlots(int most) : most_(most) {}

  int most() const { return most_; }
  // A slot as long as the pointer lives; null when all are taken.
  std::shared_ptr<void> Take();

 private:
  const int most_;
  std::atomic<int> taken_ = 0;
};

// Of checkpoints that workers move.
inline constexpr int kMaxCheckpointTransfers = 256;
// Of what clients download: checkpoints and artifacts.
inline constexpr int kMaxClientDownloads = 32;

// For a transfer that got no slot.
absl::Status TooManyTransfers(const TransferSlots& slots);
// RESOURCE_EXHAUSTED would tell a worker to go on without this file, as when there is no space for it. That a queue is
// full, or that no row can be written at the moment, is no reason to do without: UNAVAILABLE.
absl::Status Retryable(const absl::Status& status);

// Deletes the files that nothing refers to any more, soon, off the calling thread.
void CollectCheckpoints(ServiceContext& context);

// From now on rows that come and go hold and release their files. Once, before the owner runs.
void FollowCheckpointRows(ServiceContext& context);

// A checkpoint that arrives. Until Finish has answered OK it does not exist; dropping the object removes what was
// written. Create with std::make_shared.
class CheckpointUpload : public std::enable_shared_from_this<CheckpointUpload> {
 public:
  static constexpr size_t kMaxChunkBytes = 1 << 20;
  using StatusDone = std::function<void(absl::Status)>;

  CheckpointUpload(ServiceContext& context, TransferSlots& slots)
      : context_(context), slots_(slots), slot_(slots.Take()) {}
  ~CheckpointUpload();

  // First: makes room for it, if need be by deleting checkpoints of paused trials. RESOURCE_EXHAUSTED if there is none;
  // UNAVAILABLE when too many transfers run; errors as Checkpoints::MakeRoom.
  void Begin(const v1::UploadCheckpointRequest::Header& header, StatusDone done);
  // INVALID_ARGUMENT if it is larger than kMaxChunkBytes, DATA_LOSS if it is more than was announced. `chunk` must
  // live until `done`.
  void Append(const std::string& chunk, StatusDone done);
  // Last: checks size and hash (DATA_LOSS), syncs, then makes the checkpoint exist. FAILED_PRECONDITION if the lease
  // died meanwhile. RESOURCE_EXHAUSTED here and before means that the disk has no space for the file; UNAVAILABLE, that
  // the same upload may succeed later.
  void Finish(StatusDone done);

 private:
  void Run(StatusDone done, std::function<absl::Status()> step);
  void MakeRoom(int64_t disk_free_bytes, StatusDone done);
  absl::Status Open();
  void Register(StatusDone done);
  void LetGo();

  ServiceContext& context_;
  const TransferSlots& slots_;
  std::shared_ptr<void> slot_;
  LeaseRef lease_;
  Checkpoint checkpoint_;
  UploadRoom room_;
  bool holds_ = false;
  std::unique_ptr<CheckpointFiles::Upload> file_;
};

// A checkpoint that is fetched. Create with std::make_shared.
class CheckpointDownload : public std::enable_shared_from_this<CheckpointDownload> {
 public:
  static constexpr size_t kChunkBytes = 256 << 10;

  using StatusDone = std::function<void(absl::Status)>;

  CheckpointDownload(ServiceContext& context, TransferSlots& slots)
      : context_(context), slots_(slots), slot_(slots.Take()) {}

  // First, for a worker. FAILED_PRECONDITION: dead lease; NOT_FOUND: no such checkpoint, or its file is gone;
  // UNAVAILABLE: too many transfers run.
  void Begin(const v1::DownloadCheckpointRequest& request, StatusDone done);
  // Or, for a client. Errors as Checkpoints::Find, and as above.
  void Begin(const v1::DownloadTrialCheckpointRequest& request, StatusDone done);
  // Which it is, once Begin for a client has answered OK.
  const Checkpoint& checkpoint() const { return checkpoint_; }
  // The next bytes; empty at the end.
  void Next(Done<std::string> done);

 private:
  // Opens what `find`, on the owner thread, says.
  void Begin(std::function<absl::StatusOr<Checkpoint>()> find, StatusDone done);
  void Open(const StatusDone& done);

  ServiceContext& context_;
  const TransferSlots& slots_;
  std::shared_ptr<void> slot_;
  Checkpoint checkpoint_;
  std::unique_ptr<CheckpointFiles::Reader> file_;
};

}  // namespace athanor
