#include "server/rpc/transfer_streams.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/rpc/artifact_transfer.h"
#include "server/rpc/status.h"

namespace athanor {
namespace {

// One chain of steps, never two at once: read a message, hand it on, read the next when it was taken. So a client
// cannot send faster than the disk takes, and nothing here needs a lock. `Upload` takes the chunks of a `Request`.
template <typename Upload, typename Request>
class UploadStream final : public grpc::ServerReadReactor<Request> {
 public:
  UploadStream(ServiceContext& context, TransferSlots& slots, grpc::CallbackServerContext* call)
      : call_(call), upload_(std::make_shared<Upload>(context, slots)) {
    this->StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      if (call_->IsCancelled())
        return this->Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the upload was cut off"));
      if (!begun_) return Refuse("the stream ended before its header");
      upload_->Finish([this](const absl::Status& status) { this->Finish(ToGrpc(status)); });
      return;
    }
    const auto next = [this](const absl::Status& status) {
      if (!status.ok()) return this->Finish(ToGrpc(status));
      this->StartRead(&message_);
    };
    if (!std::exchange(begun_, true)) {
      if (!message_.has_header()) return Refuse("header: the first message must hold it");
      upload_->Begin(message_.header(), next);
    } else {
      if (message_.has_header()) return Refuse("header: only the first message holds one");
      upload_->Append(message_.chunk(), next);
    }
  }

  void OnDone() override { delete this; }

 private:
  void Refuse(const char* why) { this->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, why)); }

  grpc::CallbackServerContext* const call_;
  const std::shared_ptr<Upload> upload_;
  Request message_;
  bool begun_ = false;
};

// One chain as well: read a chunk from the disk, write it to the client, read the next. `introduce`, unless it is null,
// fills a message that goes before the first chunk.
template <typename Download, typename Chunk>
class DownloadStream final : public grpc::ServerWriteReactor<Chunk> {
 public:
  using Introduce = std::function<void(const Download&, Chunk&)>;

  template <typename Request>
  DownloadStream(ServiceContext& context, TransferSlots& slots, const Request& request, Introduce introduce)
      : download_(std::make_shared<Download>(context, slots)) {
    download_->Begin(request, [this, introduce = std::move(introduce)](const absl::Status& status) {
      if (!status.ok()) return this->Finish(ToGrpc(status));
      if (introduce == nullptr) return Next();
      introduce(*download_, chunk_);
      this->StartWrite(&chunk_);
    });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return this->Finish(grpc::Status::CANCELLED);
    chunk_.Clear();
    Next();
  }

  void OnDone() override { delete this; }

 private:
  void Next() {
    download_->Next([this](absl::StatusOr<std::string> data) {
      if (!data.ok() || data->empty()) return this->Finish(ToGrpc(data.status()));
      chunk_.set_data(*std::move(data));
      this->StartWrite(&chunk_);
    });
  }

  const std::shared_ptr<Download> download_;
  Chunk chunk_;
};

}  // namespace

grpc::ServerReadReactor<v1::UploadCheckpointRequest>* StartCheckpointUpload(ServiceContext& context,
                                                                            TransferSlots& slots,
                                                                            grpc::CallbackServerContext* call) {
  return new UploadStream<CheckpointUpload, v1::UploadCheckpointRequest>(context, slots, call);
}

grpc::ServerWriteReactor<v1::CheckpointChunk>* StartCheckpointDownload(ServiceContext& context, TransferSlots& slots,
                                                                       const v1::DownloadCheckpointRequest& request) {
  return new DownloadStream<CheckpointDownload, v1::CheckpointChunk>(context, slots, request, nullptr);
}

grpc::ServerWriteReactor<v1::TrialCheckpointChunk>* StartTrialCheckpointDownload(
    ServiceContext& context, TransferSlots& slots, const v1::DownloadTrialCheckpointRequest& request) {
  return new DownloadStream<CheckpointDownload, v1::TrialCheckpointChunk>(
      context, slots, request, [](const CheckpointDownload& download, v1::TrialCheckpointChunk& chunk) {
        chunk.mutable_checkpoint()->set_sha256(download.checkpoint().sha256);
        chunk.mutable_checkpoint()->set_step(download.checkpoint().step);
        chunk.mutable_checkpoint()->set_size_bytes(download.checkpoint().size_bytes);
      });
}

grpc::ServerReadReactor<v1::UploadArtifactRequest>* StartArtifactUpload(ServiceContext& context, TransferSlots& slots,
                                                                        grpc::CallbackServerContext* call) {
  return new UploadStream<ArtifactUpload, v1::UploadArtifactRequest>(context, slots, call);
}

grpc::ServerWriteReactor<v1::ArtifactChunk>* StartArtifactDownload(ServiceContext& context, TransferSlots& slots,
                                                                   const v1::ReadArtifactRequest& request) {
  return new DownloadStream<ArtifactDownload, v1::ArtifactChunk>(
      context, slots, request, [](const ArtifactDownload& download, v1::ArtifactChunk& chunk) {
        *chunk.mutable_artifact() = ToProto(download.artifact());
      });
}

}  // namespace athanor
