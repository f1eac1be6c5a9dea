#include "worker/session/artifact_shipper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "worker/session/transfer.h"
#include "worker/session/trial_folder.h"

namespace athanor::session {
namespace {

namespace fs = std::filesystem;

void Remove(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace

ArtifactShipper::ArtifactShipper(boost::asio::io_context& io, WorkerTransport& transport, const LeaseKey& lease,
                                 std::string folder, const Backoff::Options& backoff, Reported reported)
    : io_(io),
      transport_(transport),
      lease_(lease),
      folder_(std::move(folder)),
      backoff_(backoff, HashWords({static_cast<uint64_t>(lease.token), 3})),
      reported_(std::move(reported)),
      retry_(io),
      flush_limit_(io) {}

absl::Status ArtifactShipper::TakeOver(const ArtifactMessage& artifact, const std::string& to) const {
  if (!IsArtifactName(artifact.name)) {
    return absl::InvalidArgumentError("its name is not 1 to 100 of a-z0-9._- without a dot in front");
  }
  if (!LiesIn(folder_, artifact.path)) {
    return absl::InvalidArgumentError(absl::StrCat(artifact.path, " is not in ", folder_));
  }
  std::error_code error;
  if (fs::symlink_status(artifact.path, error).type() != fs::file_type::regular) {
    return absl::NotFoundError(absl::StrCat(artifact.path, " is no file"));
  }
  const auto size = static_cast<int64_t>(fs::file_size(artifact.path, error));
  if (error) return absl::UnavailableError(absl::StrCat(artifact.path, ": ", error.message()));
  if (size != artifact.size) {
    return absl::DataLossError(absl::StrCat(artifact.path, " has ", size, " bytes, not ", artifact.size));
  }
  if (size > kMaxArtifactBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("it has ", size, " bytes; at most ", kMaxArtifactBytes));
  }
  fs::rename(artifact.path, to, error);
  if (error) return absl::UnavailableError(absl::StrCat(artifact.path, ": ", error.message()));
  return absl::OkStatus();
}

void ArtifactShipper::Take(const ArtifactMessage& artifact, int64_t measured_step) {
  if (closed_) return RemoveIfIn(folder_, artifact.path);
  std::string path = absl::StrCat(folder_, "/artifact-", next_file_++, ".taken");
  if (const absl::Status taken = TakeOver(artifact, path); !taken.ok()) {
    spdlog::warn("lease {}: the artifact \"{}\" of step {} is left out: {}", lease_.ToString(),
                 artifact.name.substr(0, 120), artifact.step, std::string(taken.message()));
    return RemoveIfIn(folder_, artifact.path);
  }
  Job job{.artifact = {}, .path = std::move(path), .measured_step = measured_step};
  job.artifact.set_name(artifact.name);
  job.artifact.set_step(artifact.step);
  job.artifact.set_size_bytes(artifact.size);
  waiting_.push_back(std::move(job));
  waiting_bytes_ += artifact.size;
  while (waiting_bytes_ > kMaxTrialArtifactBytes || waiting_.size() > kMaxTrialArtifacts) {
    DropOldest("too many wait for the coordinator");
  }
  Pump();
}

// Not the one under way: its file is being read, and its end is still to come.
void ArtifactShipper::DropOldest(const char* why) {
  const auto oldest = waiting_.begin() + (uploading_ ? 1 : 0);
  spdlog::warn("lease {}: the artifact \"{}\" of step {} is left out: {}", lease_.ToString(), oldest->artifact.name(),
               oldest->artifact.step(), why);
  waiting_bytes_ -= oldest->artifact.size_bytes();
  Remove(oldest->path);
  waiting_.erase(oldest);
}

void ArtifactShipper::Pump() {
  if (closed_ || uploading_ || retry_pending_ || waiting_.empty()) return;
  const Job& job = waiting_.front();
  if (!reported_(job.measured_step)) return;
  v1::UploadArtifactRequest::Header header;
  *header.mutable_lease() = lease_.ToProto();
  *header.mutable_artifact() = job.artifact;
  uploading_ = true;
  call_ =
      transport_.UploadArtifact(std::move(header), job.path,
                                PostTo(io_, shared_from_this(), [this](const absl::Status& status) { OnEnd(status); }));
}

void ArtifactShipper::OnEnd(const absl::Status& status) {
  uploading_ = false;
  call_.reset();
  if (closed_) return;
  Job& job = waiting_.front();
  const TransferFate fate = JudgeTransfer(status, ++job.failures);
  if (fate == TransferFate::kRetry) {
    retry_pending_ = true;
    retry_.expires_after(backoff_.Next());
    retry_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      if (const auto self = weak.lock(); self != nullptr && !error) self->RetryNow();
    });
    return;
  }
  if (fate == TransferFate::kDone) backoff_.Reset();
  if (fate != TransferFate::kDone) {
    spdlog::warn("lease {}: the artifact \"{}\" of step {} was not uploaded: {}", lease_.ToString(),
                 job.artifact.name(), job.artifact.step(), status.ToString());
  }
  // The lease was lost, the study is gone, or the coordinator knows no artifacts: the others would fare no better.
  closed_ = fate == TransferFate::kLeaseLost || absl::IsUnimplemented(status);
  do {
    waiting_bytes_ -= waiting_.front().artifact.size_bytes();
    Remove(waiting_.front().path);
    waiting_.pop_front();
  } while (closed_ && !waiting_.empty());
  if (waiting_.empty()) return EndFlush();
  Pump();
}

void ArtifactShipper::Flush(Duration timeout, std::function<void()> done) {
  flushed_ = std::move(done);
  if (closed_ || waiting_.empty()) return EndFlush();
  flush_limit_.expires_after(timeout);
  flush_limit_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (const auto self = weak.lock(); self != nullptr && !error) self->EndFlush();
  });
  Pump();
}

void ArtifactShipper::EndFlush() {
  flush_limit_.cancel();
  if (flushed_ != nullptr) std::exchange(flushed_, nullptr)();
}

void ArtifactShipper::RetryNow() {
  if (!std::exchange(retry_pending_, false)) return;
  retry_.cancel();
  Pump();
}

void ArtifactShipper::Cancel() {
  if (!closed_ && !waiting_.empty()) {
    spdlog::warn("lease {}: {} artifacts were not taken in time and are given up", lease_.ToString(), waiting_.size());
  }
  closed_ = true;
  flushed_ = nullptr;
  call_.reset();
  retry_.cancel();
  flush_limit_.cancel();
}

}  // namespace athanor::session
