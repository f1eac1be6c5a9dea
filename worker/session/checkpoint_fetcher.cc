#include "worker/session/checkpoint_fetcher.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/random.h"
#include "worker/session/transfer.h"

namespace athanor::session {

CheckpointFetcher::CheckpointFetcher(boost::asio::io_context& io, WorkerTransport& transport, CheckpointCache& cache,
                                     const v1::Lease& lease, const Backoff::Options& backoff, Done done)
    : io_(io),
      transport_(transport),
      cache_(cache),
      lease_(lease.ref()),
      wanted_(lease.checkpoints().begin(), lease.checkpoints().end()),
      backoff_(backoff, HashWords({static_cast<uint64_t>(lease.ref().token()), 1})),
      done_(std::move(done)),
      retry_(io) {}

std::string CheckpointFetcher::PartPath() const { return cache_.PartPath(lease_.ToString()); }

void CheckpointFetcher::FetchNext() {
  if (next_ == wanted_.size()) {
    Conclude(std::vector<Fetched>());
  } else if (auto file = cache_.Find(wanted_[next_].sha256())) {
    ConcludeWith(std::move(file));
  } else {
    Download();
  }
}

void CheckpointFetcher::Download() {
  v1::DownloadCheckpointRequest request;
  *request.mutable_lease() = lease_.ToProto();
  request.set_sha256(wanted_[next_].sha256());
  call_ = transport_.DownloadCheckpoint(
      std::move(request), PartPath(),
      PostTo(io_, shared_from_this(), [this](absl::Status status) { OnEnd(std::move(status)); }));
}

void CheckpointFetcher::OnEnd(absl::Status status) {
  if (done_ == nullptr) return;
  call_.reset();
  std::shared_ptr<const CachedCheckpoint> file;
  if (status.ok()) {
    auto committed = cache_.Commit(wanted_[next_].sha256(), PartPath());
    if (committed.ok()) {
      file = *std::move(committed);
    } else {
      status = committed.status();
    }
  }
  switch (JudgeTransfer(status, ++failures_)) {
    case TransferFate::kDone:
      ConcludeWith(std::move(file));
      return;
    case TransferFate::kLeaseLost:
      Conclude(std::move(status));
      return;
    case TransferFate::kRetry:
      RetryLater();
      return;
    case TransferFate::kGiveUp:
      spdlog::warn("lease {}: the checkpoint of step {} cannot be had: {}", lease_.ToString(), wanted_[next_].step(),
                   status.ToString());
      ++next_;
      failures_ = 0;
      FetchNext();
      return;
  }
}

void CheckpointFetcher::RetryLater() {
  retry_pending_ = true;
  retry_.expires_after(backoff_.Next());
  retry_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (const auto self = weak.lock(); self != nullptr && !error) self->RetryNow();
  });
}

void CheckpointFetcher::RetryNow() {
  if (!std::exchange(retry_pending_, false) || done_ == nullptr) return;
  retry_.cancel();
  Download();
}

void CheckpointFetcher::ConcludeWith(std::shared_ptr<const CachedCheckpoint> file) {
  std::vector<Fetched> fetched = {{.file = std::move(file), .step = wanted_[next_].step()}};
  for (size_t older = next_ + 1; older < wanted_.size(); ++older) {
    if (auto reserve = cache_.Find(wanted_[older].sha256())) {
      fetched.push_back({.file = std::move(reserve), .step = wanted_[older].step()});
    }
  }
  Conclude(std::move(fetched));
}

void CheckpointFetcher::Conclude(absl::StatusOr<std::vector<Fetched>> result) {
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

void CheckpointFetcher::Cancel() {
  done_ = nullptr;
  call_.reset();
  retry_.cancel();
}

}  // namespace athanor::session
