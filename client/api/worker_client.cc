#include "client/api/worker_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "athanor/v1/worker_service.grpc.pb.h"
#include "base/mutex.h"
#include "base/sha256.h"

namespace athanor {
namespace {

class LiveCall;

// One connection to the coordinator, made at the first call over it.
struct Link {
  explicit Link(const WorkerClientOptions& options);
  const std::unique_ptr<v1::WorkerService::Stub> stub;
};

}  // namespace

// What the calls share: the connection, and the set of those under way, so that the transport can end them all and
// wait.
struct GrpcWorkerTransport::Core {
  explicit Core(const WorkerClientOptions& the_options)
      : options(the_options), link(std::make_shared<Link>(options)), patience(options.call_timeout) {}

  // Calls made from now on go over a new connection, unless they do already.
  void GiveUp(const std::shared_ptr<Link>& silent) {
    MutexLock lock(mutex);
    if (link != silent) return;
    retired.push_back(std::exchange(link, std::make_shared<Link>(options)));
  }

  // How long to wait for the answer to a call that renews leases.
  Duration Patience() {
    MutexLock lock(mutex);
    return patience;
  }
  // Leases live so long: the first renewal, an unanswered one and the next must fit in.
  void SetLease(Duration lease) {
    MutexLock lock(mutex);
    patience = std::clamp(lease / 3, std::min(options.shortest_patience, options.call_timeout), options.call_timeout);
  }

  const WorkerClientOptions options;
  Mutex mutex;
  ConditionVariable idle;
  std::set<LiveCall*> live ATHANOR_GUARDED_BY(mutex);
  std::shared_ptr<Link> link ATHANOR_GUARDED_BY(mutex);
  // Given up; each stays until no call is left in it, because a channel must not end on a thread of its own.
  std::vector<std::shared_ptr<Link>> retired ATHANOR_GUARDED_BY(mutex);
  Duration patience ATHANOR_GUARDED_BY(mutex);
};

namespace {

using Core = GrpcWorkerTransport::Core;

constexpr size_t kChunkBytes = 1 << 20;  // the most that the wire allows

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

std::chrono::system_clock::time_point DeadlineIn(Duration duration) {
  return std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(duration);
}

int Milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::shared_ptr<grpc::Channel> Connect(const WorkerClientOptions& options) {
  grpc::ChannelArguments arguments;
  // A new channel must not be given the connection of the one that it replaces.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  arguments.SetMaxSendMessageSize(options.max_message_bytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_interval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
  // The session paces its attempts itself; the channel's own pause (up to 2 min by default) would only add to it.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2000);  // means: how long an attempt may take
  return grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments);
}

Link::Link(const WorkerClientOptions& options) : stub(v1::WorkerService::NewStub(Connect(options))) {}

// A call under way, known to the core from birth until nothing of gRPC's is left in it. It never holds the last share
// of its link: a channel that ended on a thread of gRPC would have to wait for itself.
class LiveCall : public std::enable_shared_from_this<LiveCall> {
 public:
  explicit LiveCall(Core& core) : registration_(core, this) {}
  virtual ~LiveCall() = default;
  LiveCall(const LiveCall&) = delete;
  LiveCall& operator=(const LiveCall&) = delete;

  grpc::ClientContext& context() { return context_; }
  Core& core() { return registration_.core; }
  const std::shared_ptr<Link>& link() const { return registration_.link; }
  auto* stub() { return link()->stub->async(); }

 private:
  struct Registration {
    Registration(Core& the_core, LiveCall* the_call) : core(the_core), call(the_call) {
      std::vector<std::shared_ptr<Link>> unused;  // ends after the lock does
      MutexLock lock(core.mutex);
      const auto in_use = [](const auto& retired) { return retired.use_count() > 1; };
      const auto first = std::partition(core.retired.begin(), core.retired.end(), in_use);
      unused.assign(std::make_move_iterator(first), std::make_move_iterator(core.retired.end()));
      core.retired.erase(first, core.retired.end());
      link = core.link;
      core.live.insert(call);
    }
    ~Registration() {
      link.reset();
      MutexLock lock(core.mutex);
      core.live.erase(call);
      if (core.live.empty()) core.idle.NotifyAll();
    }
    Core& core;
    LiveCall* call;
    std::shared_ptr<Link> link;
  };

  Registration registration_;  // goes after the context, which holds the channel
  grpc::ClientContext context_;
};

class CallHandle final : public CancellableCall {
 public:
  explicit CallHandle(std::weak_ptr<LiveCall> call) : call_(std::move(call)) {}
  ~CallHandle() override {
    if (const auto call = call_.lock()) call->context().TryCancel();
  }

 private:
  std::weak_ptr<LiveCall> call_;
};

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
    MutexLock lock(mutex_);
    if (open_) AddHold();
    return open_;
  }

  void Close() {
    {
      MutexLock lock(mutex_);
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
    MutexLock lock(core_->mutex);
    for (LiveCall* call : core_->live) calls.push_back(call->weak_from_this().lock());
  }
  // Outside the lock: gRPC may run a call's callback, and with it end the call, within TryCancel.
  for (const auto& call : calls) {
    if (call != nullptr) call->context().TryCancel();
  }
  calls.clear();
  MutexLock lock(core_->mutex);
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
  File file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    done(absl::NotFoundError(absl::StrCat("cannot open ", path)));
    return nullptr;
  }
  auto call = std::make_shared<Upload>(*core_, std::move(file), std::move(done));
  call->Start(call, std::move(header));
  return std::make_unique<CallHandle>(call);
}

std::unique_ptr<CancellableCall> GrpcWorkerTransport::DownloadCheckpoint(v1::DownloadCheckpointRequest request,
                                                                         const std::string& path,
                                                                         std::function<void(absl::Status)> done) {
  File file(std::fopen(path.c_str(), "wbe"));
  if (file == nullptr) {
    done(absl::InternalError(absl::StrCat("cannot create ", path)));
    return nullptr;
  }
  auto call = std::make_shared<Download>(*core_, std::move(request), path, std::move(file), std::move(done));
  call->Start(call);
  return std::make_unique<CallHandle>(call);
}

std::unique_ptr<ReportStream> GrpcWorkerTransport::OpenReportStream(ReportStreamObserver observer) {
  auto call = std::make_shared<StreamCall>(*core_, std::move(observer));
  call->Start(call);
  return std::make_unique<GrpcReportStream>(call);
}

}  // namespace athanor
