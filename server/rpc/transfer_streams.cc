#include "server/rpc/checkpoint_streams.h"

#include <string>
#include <utility>

#include "server/rpc/status.h"

namespace athanor {
namespace {

// One chain of steps, never two at once: read a message, hand it on, read the next when it is on disk. So a client
// cannot send faster than the disk takes, and nothing here needs a lock.
class UploadStream final : public grpc::ServerReadReactor<v1::UploadCheckpointRequest> {
 public:
  UploadStream(ServiceContext& context, TransferSlots& slots, grpc::CallbackServerContext* call)
      : call_(call), upload_(std::make_shared<CheckpointUpload>(context, slots)) {
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      if (call_->IsCancelled()) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the upload was cut off"));
      if (!begun_) return Refuse("the stream ended before its header");
      upload_->Finish([this](const absl::Status& status) { Finish(ToGrpc(status)); });
      return;
    }
    const auto next = [this](const absl::Status& status) {
      if (!status.ok()) return Finish(ToGrpc(status));
      StartRead(&message_);
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
  void Refuse(const char* why) { Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, why)); }

  grpc::CallbackServerContext* const call_;
  const std::shared_ptr<CheckpointUpload> upload_;
  v1::UploadCheckpointRequest message_;
  bool begun_ = false;
};

// One chain as well: read a chunk from the disk, write it to the client, read the next.
class DownloadStream final : public grpc::ServerWriteReactor<v1::CheckpointChunk> {
 public:
  DownloadStream(ServiceContext& context, TransferSlots& slots, const v1::DownloadCheckpointRequest& request)
      : download_(std::make_shared<CheckpointDownload>(context, slots)) {
    download_->Begin(request, [this](const absl::Status& status) {
      if (!status.ok()) return Finish(ToGrpc(status));
      Next();
    });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    Next();
  }

  void OnDone() override { delete this; }

 private:
  void Next() {
    download_->Next([this](absl::StatusOr<std::string> data) {
      if (!data.ok() || data->empty()) return Finish(ToGrpc(data.status()));
      chunk_.set_data(*std::move(data));
      StartWrite(&chunk_);
    });
  }

  const std::shared_ptr<CheckpointDownload> download_;
  v1::CheckpointChunk chunk_;
};

}  // namespace

grpc::ServerReadReactor<v1::UploadCheckpointRequest>* StartUpload(ServiceContext& context, TransferSlots& slots,
                                                                  grpc::CallbackServerContext* call) {
  return new UploadStream(context, slots, call);
}

grpc::ServerWriteReactor<v1::CheckpointChunk>* StartDownload(ServiceContext& context, TransferSlots& slots,
                                                             const v1::DownloadCheckpointRequest& request) {
  return new DownloadStream(context, slots, request);
}

}  // namespace athanor
