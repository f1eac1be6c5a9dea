#include "tests/testing/in_process_transport.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/sha256.h"

namespace athanor::testing {
namespace {

class AcquireHandle final : public CancellableCall {
 public:
  explicit AcquireHandle(std::shared_ptr<AcquireCall> call) : call_(std::move(call)) {}
  ~AcquireHandle() override { call_->Cancel(); }

 private:
  std::shared_ptr<AcquireCall> call_;
};

// Of a transfer: looked at between its steps.
class TransferHandle final : public CancellableCall {
 public:
  explicit TransferHandle(std::shared_ptr<std::atomic<bool>> cancelled) : cancelled_(std::move(cancelled)) {}
  ~TransferHandle() override { cancelled_->store(true); }

 private:
  std::shared_ptr<std::atomic<bool>> cancelled_;
};

// By the steps of `Transfer`: a CheckpointUpload or an ArtifactUpload.
template <typename Transfer>
class Upload : public std::enable_shared_from_this<Upload<Transfer>> {
 public:
  Upload(ServiceContext& context, TransferSlots& slots, const std::string& path, std::function<void(absl::Status)> done)
      : upload_(std::make_shared<Transfer>(context, slots)),
        path_(path),
        file_(path, std::ios::binary),
        done_(std::move(done)) {}

  template <typename Header>
  std::unique_ptr<CancellableCall> Start(const Header& header) {
    if (!file_) {
      done_(absl::NotFoundError(absl::StrCat("cannot open ", path_)));
      return nullptr;
    }
    upload_->Begin(header, [self = this->shared_from_this()](const absl::Status& status) { self->Next(status); });
    return std::make_unique<TransferHandle>(cancelled_);
  }

 private:
  void Next(const absl::Status& status) {
    if (!status.ok()) return done_(status);
    if (cancelled_->load()) return done_(absl::CancelledError("the upload was cancelled"));
    chunk_.resize(Transfer::kMaxChunkBytes);
    file_.read(chunk_.data(), static_cast<std::streamsize>(chunk_.size()));
    chunk_.resize(static_cast<size_t>(file_.gcount()));
    if (chunk_.empty()) return upload_->Finish(done_);
    upload_->Append(chunk_, [self = this->shared_from_this()](const absl::Status& written) { self->Next(written); });
  }

  const std::shared_ptr<Transfer> upload_;
  const std::string path_;
  std::ifstream file_;
  const std::function<void(absl::Status)> done_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  std::string chunk_;
};

class Download : public std::enable_shared_from_this<Download> {
 public:
  Download(ServiceContext& context, TransferSlots& slots, v1::DownloadCheckpointRequest request,
           const std::string& path, std::function<void(absl::Status)> done)
      : download_(std::make_shared<CheckpointDownload>(context, slots)),
        request_(std::move(request)),
        path_(path),
        file_(path, std::ios::binary),
        done_(std::move(done)) {}

  std::unique_ptr<CancellableCall> Start() {
    if (!file_) {
      done_(absl::InternalError(absl::StrCat("cannot create ", path_)));
      return nullptr;
    }
    download_->Begin(request_, [self = shared_from_this()](const absl::Status& status) {
      if (!status.ok()) return self->End(status);
      self->Next();
    });
    return std::make_unique<TransferHandle>(cancelled_);
  }

 private:
  void Next() {
    download_->Next([self = shared_from_this()](absl::StatusOr<std::string> data) {
      if (!data.ok()) return self->End(data.status());
      if (self->cancelled_->load()) return self->End(absl::CancelledError("the download was cancelled"));
      if (data->empty()) return self->End(absl::OkStatus());
      self->hash_.Update(data->data(), data->size());
      self->file_.write(data->data(), static_cast<std::streamsize>(data->size()));
      self->Next();
    });
  }

  void End(absl::Status status) {
    file_.close();
    if (status.ok() && !file_) status = absl::InternalError(absl::StrCat("cannot write ", path_));
    if (status.ok() && hash_.HexDigest() != request_.sha256()) {
      status = absl::DataLossError(absl::StrCat("checkpoint ", request_.sha256(), " arrived as another"));
    }
    std::error_code ignored;
    if (!status.ok()) std::filesystem::remove(path_, ignored);
    done_(status);
  }

  const std::shared_ptr<CheckpointDownload> download_;
  const v1::DownloadCheckpointRequest request_;
  const std::string path_;
  std::ofstream file_;
  const std::function<void(absl::Status)> done_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  Sha256 hash_;
};

// Carries a ReportSession: one thread at a time hands over what goes either way, so that callbacks never overlap.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  explicit Stream(ReportStreamObserver observer) : observer_(std::move(observer)) {}

  void Start(ServiceContext& context, ReportStreams& streams) {
    session_ = std::make_shared<ReportSession>(context, streams, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Pump();
    });
    self_ = shared_from_this();
  }

  void Write(v1::ReportRequest request) {
    {
      const MutexLock lock(mutex_);
      write_ = std::move(request);
    }
    Pump();
  }

  void WritesDone() {
    session_->EndOfRequests();
    Pump();
  }

  void Cancel() {
    session_->End(absl::CancelledError("the stream was cancelled"));
    Pump();
  }

 private:
  void Pump() {
    const auto self = shared_from_this();
    {
      const MutexLock lock(mutex_);
      if (std::exchange(pumping_, true)) {
        again_ = true;
        return;
      }
    }
    do {
      while (Step()) {
      }
    } while (PumpAgain());
  }

  bool PumpAgain() {
    const MutexLock lock(mutex_);
    pumping_ = std::exchange(again_, false);
    return pumping_;
  }

  std::optional<v1::ReportRequest> TakeWrite() {
    const MutexLock lock(mutex_);
    return std::exchange(write_, std::nullopt);
  }

  // True if there may be more to do.
  bool Step() {
    if (closed_) return false;
    if (session_->WantsRequest()) {
      if (const auto request = TakeWrite()) {
        session_->Push(*request);
        observer_.on_written();
        return true;
      }
    }
    if (auto response = session_->TakeResponse()) {
      session_->Written();
      observer_.on_response(*std::move(response));
      return true;
    }
    const auto end = session_->TakeEnd();
    if (!end.has_value()) return false;
    closed_ = true;
    session_->Abandon();
    observer_.on_closed(*end);
    self_.reset();
    return false;
  }

  const ReportStreamObserver observer_;
  std::shared_ptr<ReportSession> session_;
  std::shared_ptr<Stream> self_;  // until on_closed
  bool closed_ = false;           // only the pump looks at it
  Mutex mutex_;
  std::optional<v1::ReportRequest> write_ ATHANOR_GUARDED_BY(mutex_);
  bool pumping_ ATHANOR_GUARDED_BY(mutex_) = false;
  bool again_ ATHANOR_GUARDED_BY(mutex_) = false;
};

class StreamHandle final : public ReportStream {
 public:
  explicit StreamHandle(const std::shared_ptr<Stream>& stream) : stream_(stream) {}
  ~StreamHandle() override {
    if (const auto stream = stream_.lock()) stream->Cancel();
  }
  void Write(v1::ReportRequest request) override {
    if (const auto stream = stream_.lock()) stream->Write(std::move(request));
  }
  void WritesDone() override {
    if (const auto stream = stream_.lock()) stream->WritesDone();
  }

 private:
  std::weak_ptr<Stream> stream_;
};

}  // namespace

InProcessTransport::~InProcessTransport() {
  // What is queued before this, the goodbyes of streams among them, is over when it is answered. The promise is shared,
  // for set_value may still be at work when the future is ready.
  const auto done = std::make_shared<std::promise<void>>();
  const absl::Status posted = context_.owner.Post(
      [done](Transaction&) -> Owner::Reply { return [done](const absl::Status&) { done->set_value(); }; });
  if (posted.ok()) done->get_future().wait();
}

void InProcessTransport::Register(v1::RegisterRequest request, Done<v1::RegisterResponse> done) {
  workers_.Register(request, std::move(done));
}

std::unique_ptr<CancellableCall> InProcessTransport::Acquire(v1::AcquireRequest request,
                                                             Done<v1::AcquireResponse> done) {
  return std::make_unique<AcquireHandle>(workers_.Acquire(request, std::move(done)));
}

void InProcessTransport::Heartbeat(v1::HeartbeatRequest request, Done<v1::HeartbeatResponse> done) {
  workers_.Heartbeat(request, std::move(done));
}

void InProcessTransport::Finish(v1::FinishRequest request, Done<v1::FinishResponse> done) {
  workers_.Finish(request, std::move(done));
}

void InProcessTransport::AppendLog(v1::AppendLogRequest request, Done<v1::AppendLogResponse> done) {
  logs_.Append(request, std::move(done));
}

std::unique_ptr<CancellableCall> InProcessTransport::UploadCheckpoint(v1::UploadCheckpointRequest::Header header,
                                                                      const std::string& path,
                                                                      std::function<void(absl::Status)> done) {
  return std::make_shared<Upload<CheckpointUpload>>(context_, slots_, path, std::move(done))->Start(header);
}

std::unique_ptr<CancellableCall> InProcessTransport::UploadArtifact(v1::UploadArtifactRequest::Header header,
                                                                    const std::string& path,
                                                                    std::function<void(absl::Status)> done) {
  return std::make_shared<Upload<ArtifactUpload>>(context_, artifact_slots_, path, std::move(done))->Start(header);
}

std::unique_ptr<CancellableCall> InProcessTransport::DownloadCheckpoint(v1::DownloadCheckpointRequest request,
                                                                        const std::string& path,
                                                                        std::function<void(absl::Status)> done) {
  return std::make_shared<Download>(context_, slots_, std::move(request), path, std::move(done))->Start();
}

std::unique_ptr<ReportStream> InProcessTransport::OpenReportStream(ReportStreamObserver observer) {
  auto stream = std::make_shared<Stream>(std::move(observer));
  stream->Start(context_, streams_);
  return std::make_unique<StreamHandle>(stream);
}

}  // namespace athanor::testing
