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
template <typename Request, typename Response>
class Upload final : public LiveCall, public grpc::ClientWriteReactor<Request> {
 public:
  using Method = void (v1::WorkerService::StubInterface::async_interface::*)(grpc::ClientContext*, Response*,
                                                                             grpc::ClientWriteReactor<Request>*);

  Upload(Core& core, File file, std::function<void(absl::Status)> done)
      : LiveCall(core), file_(std::move(file)), done_(std::move(done)) {}

  void Start(Method method, std::shared_ptr<Upload> self, typename Request::Header header) {
    self_ = std::move(self);
    context().set_deadline(DeadlineIn(core().options.transfer_timeout));
    *message_.mutable_header() = std::move(header);
    auto* async = stub();
    (async->*method)(&context(), &response_, this);
    this->StartWrite(&message_);
    this->StartCall();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;  // the status in OnDone says why
    std::string& chunk = *message_.mutable_chunk();
    chunk.resize(kChunkBytes);
    chunk.resize(std::fread(chunk.data(), 1, kChunkBytes, file_.get()));
    if (!chunk.empty()) {
      this->StartWrite(&message_);
    } else if (std::ferror(file_.get())) {
      read_failed_ = true;
      context().TryCancel();
    } else {
      this->StartWritesDone();
    }
  }

  void OnDone(const grpc::Status& status) override {
    done_(read_failed_ ? absl::DataLossError("cannot read the file") : FromGrpc(status));
    self_.reset();
  }

 private:
  File file_;
  std::function<void(absl::Status)> done_;
  Request message_;
  Response response_;
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

template <typename Request, typename Response>
std::unique_ptr<CancellableCall> StartUpload(GrpcWorkerTransport::Core& core,
                                             typename Upload<Request, Response>::Method method,
                                             typename Request::Header header, const std::string& path,
                                             std::function<void(absl::Status)> done) {
  File file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    done(absl::NotFoundError(absl::StrCat("cannot open ", path)));
    return nullptr;
  }
  auto call = std::make_shared<Upload<Request, Response>>(core, std::move(file), std::move(done));
  call->Start(method, call, std::move(header));
  return std::make_unique<CallHandle>(call);
}

using Async = v1::WorkerService::StubInterface::async_interface;

}  // namespace

std::unique_ptr<CancellableCall> StartCheckpointUpload(GrpcWorkerTransport::Core& core,
                                                       v1::UploadCheckpointRequest::Header header,
                                                       const std::string& path,
                                                       std::function<void(absl::Status)> done) {
  return StartUpload<v1::UploadCheckpointRequest, v1::UploadCheckpointResponse>(
      core, &Async::UploadCheckpoint, std::move(header), path, std::move(done));
}

std::unique_ptr<CancellableCall> StartArtifactUpload(GrpcWorkerTransport::Core& core,
                                                     v1::UploadArtifactRequest::Header header, const std::string& path,
                                                     std::function<void(absl::Status)> done) {
  return StartUpload<v1::UploadArtifactRequest, v1::UploadArtifactResponse>(core, &Async::UploadArtifact,
                                                                            std::move(header), path, std::move(done));
}

std::unique_ptr<CancellableCall> StartCheckpointDownload(GrpcWorkerTransport::Core& core,
                                                         v1::DownloadCheckpointRequest request, const std::string& path,
                                                         std::function<void(absl::Status)> done) {
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
