#include "client/api/worker_transfers.h"

#include <grpcpp/support/client_callback.h>

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "client/api/worker_call.h"

namespace athanor {
namespace {

constexpr size_t kChunkBytes = 1 << 20;  // the most that the wire allows

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Each chunk is read when the one before it was sent, so that a slow coordinator costs one chunk of memory.
class Upload final : public LiveCall, public grpc::ClientWriteReactor<v1::UploadCheckpointRequest> {
 public:
  Upload(Core& core, File file, std::function<void(absl::Status)> done)
      : LiveCall(core), file_(std::move(file)), done_(std::move(done)) {}

  void Start(std::shared_ptr<Upload> self, v1::UploadCheckpointRequest::Header header) {
    self_ = std::move(self);
    context().set_deadline(DeadlineIn(core().options.transfer_timeout));
    *message_.mutable_header() = std::move(header);
    stub()->UploadCheckpoint(&context(), &response_, this);
    StartWrite(&message_);
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;  // the status in OnDone says why
    std::string& chunk = *message_.mutable_chunk();
    chunk.resize(kChunkBytes);
    chunk.resize(std::fread(chunk.data(), 1, kChunkBytes, file_.get()));
    if (!chunk.empty()) {
      StartWrite(&message_);
    } else if (std::ferror(file_.get())) {
      read_failed_ = true;
      context().TryCancel();
    } else {
      StartWritesDone();
    }
  }

  void OnDone(const grpc::Status& status) override {
    done_(read_failed_ ? absl::DataLossError("cannot read the checkpoint file") : FromGrpc(status));
    self_.reset();
  }

 private:
  File file_;
  std::function<void(absl::Status)> done_;
  v1::UploadCheckpointRequest message_;
  v1::UploadCheckpointResponse response_;
  bool read_failed_ = false;
  std::shared_ptr<Upload> self_;
};

class Download final : public LiveCall, public grpc::ClientReadReactor<v1::CheckpointChunk> {
 public:
  Download(Core& core, v1::DownloadCheckpointRequest request, std::string path, File file,
           std::function<void(absl::Status)> done)
      : LiveCall(core),
        request_(std::move(request)),
        path_(std::move(path)),
        file_(std::move(file)),
        done_(std::move(done)) {}

  void Start(std::shared_ptr<Download> self) {
    self_ = std::move(self);
    context().set_deadline(DeadlineIn(core().options.transfer_timeout));
    stub()->DownloadCheckpoint(&context(), &request_, this);
    StartRead(&chunk_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;  // the end, or the status in OnDone says why
    hash_.Update(chunk_.data().data(), chunk_.data().size());
    if (std::fwrite(chunk_.data().data(), 1, chunk_.data().size(), file_.get()) != chunk_.data().size()) {
      write_failed_ = true;
      context().TryCancel();
      return;
    }
    StartRead(&chunk_);
  }

  void OnDone(const grpc::Status& status) override {
    const absl::Status result = Conclude(status);
    if (!result.ok()) {
      std::error_code ignored;
      std::filesystem::remove(path_, ignored);
    }
    done_(result);
    self_.reset();
  }

 private:
  absl::Status Conclude(const grpc::Status& status) {
    if (std::fclose(file_.release()) != 0) write_failed_ = true;
    if (write_failed_) return absl::InternalError(absl::StrCat("cannot write ", path_));
    if (!status.ok()) return FromGrpc(status);
    const std::string digest = hash_.HexDigest();
    if (digest == request_.sha256()) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("checkpoint ", request_.sha256(), " arrived as ", digest));
  }

  v1::DownloadCheckpointRequest request_;
  std::string path_;
  File file_;
  std::function<void(absl::Status)> done_;
  v1::CheckpointChunk chunk_;
  Sha256 hash_;
  bool write_failed_ = false;
  std::shared_ptr<Download> self_;
};

}  // namespace

std::unique_ptr<CancellableCall> StartUpload(GrpcWorkerTransport::Core& core,
                                             v1::UploadCheckpointRequest::Header header, const std::string& path,
                                             std::function<void(absl::Status)> done) {
  File file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    done(absl::NotFoundError(absl::StrCat("cannot open ", path)));
    return nullptr;
  }
  auto call = std::make_shared<Upload>(core, std::move(file), std::move(done));
  call->Start(call, std::move(header));
  return std::make_unique<CallHandle>(call);
}

std::unique_ptr<CancellableCall> StartDownload(GrpcWorkerTransport::Core& core, v1::DownloadCheckpointRequest request,
                                               const std::string& path, std::function<void(absl::Status)> done) {
  File file(std::fopen(path.c_str(), "wbe"));
  if (file == nullptr) {
    done(absl::InternalError(absl::StrCat("cannot create ", path)));
    return nullptr;
  }
  auto call = std::make_shared<Download>(core, std::move(request), path, std::move(file), std::move(done));
  call->Start(call);
  return std::make_unique<CallHandle>(call);
}

}  // namespace athanor
