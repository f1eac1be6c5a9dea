// The calls of StudyClient that bring files.
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <system_error>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "client/api/study_client.h"

namespace athanor {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

absl::Status CannotWrite(const std::string& path) {
  return absl::DataLossError(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
}

// Takes a checkpoint in as it comes; what it wrote is removed unless Finish was OK.
class CheckpointSink {
 public:
  explicit CheckpointSink(const std::string& path) : path_(path), part_(path + ".part") {}
  ~CheckpointSink() {
    file_.reset();
    std::error_code ignored;
    if (opened_) std::filesystem::remove(part_, ignored);
  }

  absl::Status Take(const v1::TrialCheckpointChunk& chunk) {
    if (chunk.has_checkpoint()) checkpoint_ = chunk.checkpoint();
    if (!opened_) {
      file_.reset(std::fopen(part_.c_str(), "wbe"));
      if (file_ == nullptr) return CannotWrite(part_);
      opened_ = true;
    }
    hash_.Update(chunk.data().data(), chunk.data().size());
    const bool wrote = std::fwrite(chunk.data().data(), 1, chunk.data().size(), file_.get()) == chunk.data().size();
    return wrote ? absl::OkStatus() : CannotWrite(part_);
  }

  absl::StatusOr<v1::TrialCheckpoint> Finish() {
    const std::string digest = hash_.HexDigest();
    if (digest != checkpoint_.sha256()) {
      return absl::DataLossError(fmt::format("checkpoint {} arrived as {}", checkpoint_.sha256(), digest));
    }
    if (std::fclose(file_.release()) != 0) return CannotWrite(part_);
    if (std::rename(part_.c_str(), path_.c_str()) != 0) return CannotWrite(path_);
    opened_ = false;
    return checkpoint_;
  }

 private:
  const std::string path_;
  const std::string part_;
  File file_;
  bool opened_ = false;
  v1::TrialCheckpoint checkpoint_;
  Sha256 hash_;
};

}  // namespace

absl::StatusOr<std::pair<v1::Artifact, std::string>> StudyClient::ReadArtifact(const v1::ReadArtifactRequest& request) {
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::system_clock::duration>(options_.deadline));
    const auto stream = studies_->ReadArtifact(&context, request);
    std::pair<v1::Artifact, std::string> read;
    for (v1::ArtifactChunk chunk; stream->Read(&chunk);) {
      if (chunk.has_artifact()) read.first = chunk.artifact();
      read.second += chunk.data();
    }
    const absl::Status status = FromGrpc(stream->Finish());
    if (status.ok()) {
      const auto size = static_cast<int64_t>(read.second.size());
      if (size == read.first.size_bytes()) return read;
      return absl::DataLossError(
          fmt::format("artifact \"{}\": {} of {} bytes arrived", request.name(), size, read.first.size_bytes()));
    }
    if (!IsTransient(status) || attempt >= options_.retry.max_attempts) return status;
    options_.sleep(Backoff(attempt));
  }
}

absl::StatusOr<v1::TrialCheckpoint> StudyClient::DownloadTrialCheckpoint(
    const v1::DownloadTrialCheckpointRequest& request, const std::string& path, const std::stop_token& stop) {
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    CheckpointSink sink(path);
    absl::Status written;
    const auto stream = studies_->DownloadTrialCheckpoint(&context, request);
    for (v1::TrialCheckpointChunk chunk; written.ok() && stream->Read(&chunk);) written = sink.Take(chunk);
    if (!written.ok()) context.TryCancel();
    const absl::Status status = FromGrpc(stream->Finish());
    if (stop.stop_requested()) return absl::CancelledError("the download was cancelled");
    if (!written.ok()) return written;
    if (status.ok()) return sink.Finish();
    if (!IsTransient(status) || attempt >= options_.retry.max_attempts) return status;
    options_.sleep(Backoff(attempt));
  }
}

}  // namespace athanor
