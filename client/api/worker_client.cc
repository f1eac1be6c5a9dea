#include "client/api/worker_client.h"

#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <utility>
#include <vector>

#include "athanor/v1/worker_service.grpc.pb.h"
#include "base/mutex.h"
#include "client/api/worker_call.h"
#include "client/api/worker_transfers.h"

namespace athanor {
namespace {

using Core = GrpcWorkerTransport::Core;

template <typename Request, typename Response>
class UnaryCall final : public LiveCall {
 public:
  using Method = void (v1::WorkerService::StubInterface::async_interface::*)(grpc::ClientContext*, const Request*,
                                                                             Response*,
                                                                             std::function<void(grpc::Status)>);

  static std::shared_ptr<LiveCall> Start(Core& core, Method method, Request request, Duration timeout,
                                         WorkerTransport::Done<Response> done) {
    auto call = std::make_shared<UnaryCall>(core, std::move(request));
    call->context().set_deadline(DeadlineIn(timeout));
    auto* stub = call->stub();
    (stub->*method)(&call->context(), &call->request_, &call->response_,
                    [call, done = std::move(done)](const grpc::Status& status) {
                      if (status.error_code() == grpc::DEADLINE_EXCEEDED) call->core().GiveUp(call->link());
                      if (status.ok()) {
                        done(std::move(call->response_));
                      } else {
                        done(FromGrpc(status));
                      }
                    });
    return call;
  }

  UnaryCall(Core& core, Request request) : LiveCall(core), request_(std::move(request)) {}

 private:
  Request request_;
  Response response_;
};

// gRPC may run a reaction inside the very Start* call that causes it, so no lock is held around one. The hold keeps the
// call open for writes from other threads until its end is known.
class StreamCall final : public LiveCall, public grpc::ClientBidiReactor<v1::ReportRequest, v1::ReportResponse> {
 public:
  StreamCall(Core& core, ReportStreamObserver observer) : LiveCall(core), observer_(std::move(observer)) {}

  void Start(std::shared_ptr<StreamCall> self) {
    self_ = std::move(self);
    stub()->Report(&context(), this);
    AddHold();
    StartRead(&response_);
    StartCall();
  }

  void Write(v1::ReportRequest request) {
    if (!HoldIfOpen()) return;
    request_ = std::move(request);
    StartWrite(&request_);
    RemoveHold();
  }

  void WritesDone() {
    if (!HoldIfOpen()) return;
    StartWritesDone();
    RemoveHold();
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      observer_.on_written();
    } else {
      Close();
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Close();
      return;
    }
    observer_.on_response(std::move(response_));
    response_.Clear();
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    observer_.on_closed(FromGrpc(status));
    self_.reset();
  }

 private:
  bool HoldIfOpen() {
    const MutexLock lock(mutex_);
    if (open_) AddHold();
    return open_;
  }

  void Close() {
    {
      const MutexLock lock(mutex_);
      if (!std::exchange(open_, false)) return;
    }
    RemoveHold();
  }

  ReportStreamObserver observer_;
  v1::ReportRequest request_;
  v1::ReportResponse response_;
  Mutex mutex_;
  bool open_ ATHANOR_GUARDED_BY(mutex_) = true;
  std::shared_ptr<StreamCall> self_;
};

class GrpcReportStream final : public ReportStream {
 public:
  explicit GrpcReportStream(const std::shared_ptr<StreamCall>& call) : call_(call) {}
  ~GrpcReportStream() override {
    if (const auto call = call_.lock()) call->context().TryCancel();
  }
  void Write(v1::ReportRequest request) override {
    if (const auto call = call_.lock()) call->Write(std::move(request));
  }
  void WritesDone() override {
    if (const auto call = call_.lock()) call->WritesDone();
  }

 private:
  std::weak_ptr<StreamCall> call_;
};

using Async = v1::WorkerService::StubInterface::async_interface;

}  // namespace

GrpcWorkerTransport::GrpcWorkerTransport(const WorkerClientOptions& options) : core_(std::make_unique<Core>(options)) {}

GrpcWorkerTransport::~GrpcWorkerTransport() {
  std::vector<std::shared_ptr<LiveCall>> calls;
  {
    const MutexLock lock(core_->mutex);
    for (LiveCall* call : core_->live) calls.push_back(call->weak_from_this().lock());
  }
  // Outside the lock: gRPC may run a call's callback, and with it end the call, within TryCancel.
  for (const auto& call : calls) {
    if (call != nullptr) call->context().TryCancel();
  }
  calls.clear();
  const MutexLock lock(core_->mutex);
  core_->idle.Wait(core_->mutex, [this] { return core_->live.empty(); });
}

void GrpcWorkerTransport::Register(v1::RegisterRequest request, Done<v1::RegisterResponse> done) {
  UnaryCall<v1::RegisterRequest, v1::RegisterResponse>::Start(
      *core_, &Async::Register, std::move(request), core_->Patience(),
      [core = core_.get(), done = std::move(done)](absl::StatusOr<v1::RegisterResponse> response) {
        if (response.ok()) core->SetLease(std::chrono::milliseconds(response->lease_ms()));
        done(std::move(response));
      });
}

std::unique_ptr<CancellableCall> GrpcWorkerTransport::Acquire(v1::AcquireRequest request,
                                                              Done<v1::AcquireResponse> done) {
  const Duration timeout = std::chrono::milliseconds(request.wait_ms()) + core_->options.call_timeout;
  return std::make_unique<CallHandle>(UnaryCall<v1::AcquireRequest, v1::AcquireResponse>::Start(
      *core_, &Async::Acquire, std::move(request), timeout, std::move(done)));
}

void GrpcWorkerTransport::Heartbeat(v1::HeartbeatRequest request, Done<v1::HeartbeatResponse> done) {
  UnaryCall<v1::HeartbeatRequest, v1::HeartbeatResponse>::Start(*core_, &Async::Heartbeat, std::move(request),
                                                                core_->Patience(), std::move(done));
}

void GrpcWorkerTransport::Finish(v1::FinishRequest request, Done<v1::FinishResponse> done) {
  UnaryCall<v1::FinishRequest, v1::FinishResponse>::Start(*core_, &Async::Finish, std::move(request),
                                                          core_->options.call_timeout, std::move(done));
}

void GrpcWorkerTransport::AppendLog(v1::AppendLogRequest request, Done<v1::AppendLogResponse> done) {
  UnaryCall<v1::AppendLogRequest, v1::AppendLogResponse>::Start(*core_, &Async::AppendLog, std::move(request),
                                                                core_->options.call_timeout, std::move(done));
}

std::unique_ptr<CancellableCall> GrpcWorkerTransport::UploadCheckpoint(v1::UploadCheckpointRequest::Header header,
                                                                       const std::string& path,
                                                                       std::function<void(absl::Status)> done) {
  return StartCheckpointUpload(*core_, std::move(header), path, std::move(done));
}

std::unique_ptr<CancellableCall> GrpcWorkerTransport::UploadArtifact(v1::UploadArtifactRequest::Header header,
                                                                     const std::string& path,
                                                                     std::function<void(absl::Status)> done) {
  return StartArtifactUpload(*core_, std::move(header), path, std::move(done));
}

std::unique_ptr<CancellableCall> GrpcWorkerTransport::DownloadCheckpoint(v1::DownloadCheckpointRequest request,
                                                                         const std::string& path,
                                                                         std::function<void(absl::Status)> done) {
  return StartCheckpointDownload(*core_, std::move(request), path, std::move(done));
}

std::unique_ptr<ReportStream> GrpcWorkerTransport::OpenReportStream(ReportStreamObserver observer) {
  auto call = std::make_shared<StreamCall>(*core_, std::move(observer));
  call->Start(call);
  return std::make_unique<GrpcReportStream>(call);
}

}  // namespace athanor
