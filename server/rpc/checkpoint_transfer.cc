#include "server/rpc/checkpoint_transfer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/rpc/convert_worker.h"

namespace athanor {
namespace {

// Of the last room on a disk, what checkpoints leave to others: the database lies there as a rule.
constexpr int64_t kLeftToOthers = int64_t{64} << 20;

int64_t SpareBytes(const DiskSpace& disk) { return disk.free_bytes - std::min(kLeftToOthers, disk.total_bytes / 100); }

}  // namespace

absl::Status TooManyTransfers(const TransferSlots& slots) {
  return absl::UnavailableError(absl::StrCat("more than ", slots.most(), " transfers at once; retry with back-off"));
}

absl::Status Retryable(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? absl::UnavailableError(status.message()) : status;
}

std::shared_ptr<void> TransferSlots::Take() {
  if (taken_.fetch_add(1) >= most_) {
    taken_.fetch_sub(1);
    return nullptr;
  }
  return std::shared_ptr<void>(this, [](TransferSlots* slots) { slots->taken_.fetch_sub(1); });
}

void CollectCheckpoints(ServiceContext& context) {
  // If the pool refuses, the next collection finds them.
  (void)context.transfers.Post([&context] { context.files.Collect(); });
}

void FollowCheckpointRows(ServiceContext& context) {
  context.coordinator.SetCheckpointListener([&context](const CheckpointRows& rows) {
    for (const std::string& sha256 : rows.added) context.files.Hold(sha256);
    for (const std::string& sha256 : rows.removed) context.files.Release(sha256);
    if (!rows.removed.empty()) CollectCheckpoints(context);
  });
}

CheckpointUpload::~CheckpointUpload() {
  LetGo();
  if (file_ == nullptr) return;
  // Cut off. Removing the file is I/O, and this may be any thread.
  std::shared_ptr<CheckpointFiles::Upload> file = std::move(file_);
  (void)context_.transfers.Post([file = std::move(file)]() mutable { file.reset(); });
}

void CheckpointUpload::LetGo() {
  room_.reset();
  if (!std::exchange(holds_, false)) return;
  context_.files.Release(checkpoint_.sha256);
  CollectCheckpoints(context_);
}

void CheckpointUpload::Run(StatusDone done, std::function<absl::Status()> step) {
  const absl::Status posted = context_.transfers.Post([self = shared_from_this(), done, step = std::move(step)] {
    const absl::Status status = step();
    if (!status.ok()) {
      self->file_.reset();  // gone before anybody is told
      self->LetGo();
    }
    done(status);
  });
  if (!posted.ok()) done(Retryable(posted));
}

void CheckpointUpload::Begin(const v1::UploadCheckpointRequest::Header& header, StatusDone done) {
  if (slot_ == nullptr) return done(TooManyTransfers(slots_));
  lease_ = FromProto(header.lease());
  checkpoint_ = FromProto(header.checkpoint());
  const absl::Status posted = context_.transfers.Post([self = shared_from_this(), done] {
    const absl::StatusOr<DiskSpace> space = self->context_.files.Space();
    if (!space.ok()) return done(space.status());
    self->MakeRoom(SpareBytes(*space), done);
  });
  if (!posted.ok()) done(Retryable(posted));
}

void CheckpointUpload::MakeRoom(int64_t disk_free_bytes, StatusDone done) {
  const absl::Status posted =
      context_.owner.Post([self = shared_from_this(), disk_free_bytes, done](Transaction& tx) -> Owner::Reply {
        absl::Status status = Retryable(tx.writable);
        if (status.ok()) {
          absl::StatusOr<UploadRoom> room =
              self->context_.coordinator.checkpoints().MakeRoom(tx, self->lease_, self->checkpoint_, disk_free_bytes);
          status = room.status();
          if (room.ok()) self->room_ = *std::move(room);
        }
        return [self, done, status = std::move(status)](const absl::Status& commit) {
          if (!commit.ok() || !status.ok()) return done(commit.ok() ? status : Retryable(commit));
          self->Run(done, [upload = self.get()] { return upload->Open(); });
        };
      });
  if (!posted.ok()) done(Retryable(posted));
}

absl::Status CheckpointUpload::Open() {
  context_.files.Collect();  // what gave way for it
  context_.files.Hold(checkpoint_.sha256);
  holds_ = true;
  ATHANOR_ASSIGN_OR_RETURN(file_, context_.files.Create(checkpoint_.sha256, checkpoint_.size_bytes));
  return absl::OkStatus();
}

void CheckpointUpload::Append(const std::string& chunk, StatusDone done) {
  Run(std::move(done), [this, &chunk]() -> absl::Status {
    if (chunk.size() > kMaxChunkBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("chunk: has ", chunk.size(), " bytes; want at most ", kMaxChunkBytes));
    }
    return file_->Append(chunk);
  });
}

void CheckpointUpload::Finish(StatusDone done) {
  Run(
      [self = shared_from_this(), done](const absl::Status& written) {
        if (!written.ok()) return done(written);
        self->Register(done);
      },
      [this] { return file_->Commit(); });
}

void CheckpointUpload::Register(StatusDone done) {
  const absl::Status posted = context_.owner.Post([self = shared_from_this(), done](Transaction& tx) -> Owner::Reply {
    absl::Status status = self->context_.coordinator.checkpoints().Register(tx, self->lease_, self->checkpoint_);
    self->room_.reset();  // counted by its row now
    return [self, done, status = std::move(status)](const absl::Status& commit) {
      self->LetGo();  // the row, if there is one now, holds the file already
      if (commit.ok() && status.ok()) self->context_.faults.Pass(FaultPoint::kUploadRegistered);
      done(Retryable(commit.ok() ? status : commit));
    };
  });
  if (!posted.ok()) done(Retryable(posted));
}

void CheckpointDownload::Begin(const v1::DownloadCheckpointRequest& request, StatusDone done) {
  Begin(
      [this, lease = FromProto(request.lease()), sha256 = request.sha256()]() -> absl::StatusOr<Checkpoint> {
        ATHANOR_RETURN_IF_ERROR(context_.coordinator.checkpoints().CheckDownload(lease, sha256));
        Checkpoint wanted;
        wanted.sha256 = sha256;
        return wanted;
      },
      std::move(done));
}

void CheckpointDownload::Begin(const v1::DownloadTrialCheckpointRequest& request, StatusDone done) {
  const CheckpointChoice choice =
      request.choice() == v1::CHECKPOINT_CHOICE_NEWEST ? CheckpointChoice::kNewest : CheckpointChoice::kBest;
  Begin([this, study = request.study(), number = request.number(),
         choice] { return context_.coordinator.checkpoints().Find(study, number, choice); },
        std::move(done));
}

void CheckpointDownload::Begin(std::function<absl::StatusOr<Checkpoint>()> find, StatusDone done) {
  if (slot_ == nullptr) return done(TooManyTransfers(slots_));
  const absl::Status posted =
      context_.owner.Post([self = shared_from_this(), find = std::move(find), done](Transaction&) -> Owner::Reply {
        return [self, done, found = find()](const absl::Status& commit) {
          if (!commit.ok() || !found.ok()) return done(commit.ok() ? found.status() : commit);
          self->checkpoint_ = *found;
          const absl::Status posted = self->context_.transfers.Post([self, done] { self->Open(done); });
          if (!posted.ok()) done(Retryable(posted));
        };
      });
  if (!posted.ok()) done(Retryable(posted));
}

void CheckpointDownload::Open(const StatusDone& done) {
  auto file = context_.files.Read(checkpoint_.sha256);
  if (file.ok()) file_ = *std::move(file);
  done(file.status());
}

void CheckpointDownload::Next(Done<std::string> done) {
  const absl::Status posted =
      context_.transfers.Post([self = shared_from_this(), done] { done(self->file_->Next(kChunkBytes)); });
  if (!posted.ok()) done(Retryable(posted));
}

}  // namespace athanor
