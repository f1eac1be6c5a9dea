// What the calls of a GrpcWorkerTransport have in common: the connection that they go over, how long they may take, and
// that the transport can end them all and wait. For worker_client.cc and worker_transfers.cc alone.
//
// Threads: everything here may be used from any thread.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <memory>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "athanor/v1/worker_service.grpc.pb.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/api/worker_client.h"

namespace athanor {

class LiveCall;

// One connection to the coordinator, made at the first call over it.
struct WorkerLink {
  explicit WorkerLink(const WorkerClientOptions& options);
  const std::unique_ptr<v1::WorkerService::Stub> stub;
};

// What the calls share. Outlives them.
struct GrpcWorkerTransport::Core {
  explicit Core(const WorkerClientOptions& the_options);

  // Calls made from now on go over a new connection, unless they do already.
  void GiveUp(const std::shared_ptr<WorkerLink>& silent);

  // How long to wait for the answer to a call that renews leases.
  Duration Patience();
  // Leases live so long: the first renewal, an unanswered one and the next must fit in.
  void SetLease(Duration lease);

  const WorkerClientOptions options;
  Mutex mutex;
  ConditionVariable idle;  // `live` became empty
  std::set<LiveCall*> live ATHANOR_GUARDED_BY(mutex);
  std::shared_ptr<WorkerLink> link ATHANOR_GUARDED_BY(mutex);
  // Given up; each stays until no call is left in it, because a channel must not end on a thread of its own.
  std::vector<std::shared_ptr<WorkerLink>> retired ATHANOR_GUARDED_BY(mutex);
  Duration patience ATHANOR_GUARDED_BY(mutex);
};

// A call under way, known to the core from birth until nothing of gRPC's is left in it. It never holds the last share
// of its link: a channel that ended on a thread of gRPC would have to wait for itself.
class LiveCall : public std::enable_shared_from_this<LiveCall> {
 public:
  using Core = GrpcWorkerTransport::Core;

  explicit LiveCall(Core& core) : registration_(core, this) {}
  virtual ~LiveCall() = default;
  LiveCall(const LiveCall&) = delete;
  LiveCall& operator=(const LiveCall&) = delete;

  grpc::ClientContext& context() { return context_; }
  Core& core() { return registration_.core; }
  const std::shared_ptr<WorkerLink>& link() const { return registration_.link; }
  auto* stub() { return link()->stub->async(); }

 private:
  // Takes the link of the moment; enters the call into the core, and takes it out again.
  struct Registration {
    Registration(Core& the_core, LiveCall* the_call);
    ~Registration();
    Core& core;
    LiveCall* call;
    std::shared_ptr<WorkerLink> link;
  };

  Registration registration_;  // goes after the context, which holds the channel
  grpc::ClientContext context_;
};

// Cancels the call when it goes, unless that is over.
class CallHandle final : public CancellableCall {
 public:
  explicit CallHandle(std::weak_ptr<LiveCall> call) : call_(std::move(call)) {}
  ~CallHandle() override {
    if (const auto call = call_.lock()) call->context().TryCancel();
  }

 private:
  std::weak_ptr<LiveCall> call_;
};

absl::Status FromGrpc(const grpc::Status& status);
// A deadline as gRPC wants it.
std::chrono::system_clock::time_point DeadlineIn(Duration duration);

}  // namespace athanor
