#include "worker/session/checkpoint_uploader.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/random.h"
#include "worker/session/transfer.h"

namespace athanor::session {

CheckpointUploader::CheckpointUploader(boost::asio::io_context& io, WorkerTransport& transport, const LeaseKey& lease,
                                       const Backoff::Options& backoff, Observer* observer)
    : io_(io),
      transport_(transport),
      lease_(lease),
      backoff_(backoff, HashWords({static_cast<uint64_t>(lease.token)})),
      observer_(observer),
      retry_(io) {}

void CheckpointUploader::Upload(std::shared_ptr<const CachedCheckpoint> file, int64_t step) {
  const auto& newest = waiting_.has_value() ? waiting_ : current_;
  if (newest.has_value() ? newest->file->sha256 == file->sha256 : last_uploaded_ == file->sha256) return;
  Job job{.file = std::move(file), .step = step};
  if (current_.has_value()) {
    waiting_ = std::move(job);
    return;
  }
  current_ = std::move(job);
  Begin();
}

void CheckpointUploader::Begin() {
  v1::UploadCheckpointRequest::Header header;
  *header.mutable_lease() = lease_.ToProto();
  header.mutable_checkpoint()->set_sha256(current_->file->sha256);
  header.mutable_checkpoint()->set_step(current_->step);
  header.mutable_checkpoint()->set_size_bytes(current_->file->bytes);
  call_ = transport_.UploadCheckpoint(
      std::move(header), current_->file->path,
      PostTo(io_, shared_from_this(), [this](const absl::Status& status) { OnEnd(status); }));
}

void CheckpointUploader::OnEnd(const absl::Status& status) {
  if (observer_ == nullptr) return;
  call_.reset();
  const TransferFate fate = JudgeTransfer(status, ++current_->failures);
  if (fate == TransferFate::kLeaseLost) {
    observer_->OnUploadLeaseLost(status);
  } else if (fate == TransferFate::kRetry && !waiting_.has_value()) {
    RetryLater();
  } else {
    if (fate == TransferFate::kDone) {
      last_uploaded_ = current_->file->sha256;
      backoff_.Reset();
    } else {
      spdlog::warn("lease {}: the checkpoint of step {} was not uploaded: {}", lease_.ToString(), current_->step,
                   status.ToString());
    }
    Next();
  }
}

void CheckpointUploader::RetryLater() {
  retry_pending_ = true;
  retry_.expires_after(backoff_.Next());
  retry_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (const auto self = weak.lock(); self != nullptr && !error) self->RetryNow();
  });
}

void CheckpointUploader::RetryNow() {
  if (!std::exchange(retry_pending_, false) || observer_ == nullptr) return;
  retry_.cancel();
  Begin();
}

void CheckpointUploader::Next() {
  current_ = std::exchange(waiting_, std::nullopt);
  if (current_.has_value()) {
    Begin();
  } else {
    observer_->OnUploadsIdle();
  }
}

void CheckpointUploader::Cancel() {
  observer_ = nullptr;
  call_.reset();
  retry_.cancel();
  current_.reset();
  waiting_.reset();
}

}  // namespace athanor::session
