// The unary calls of WorkerService (proto/athanor/v1/worker_service.proto), without the wire. Thread-safe; none blocks.
#pragma once

#include <memory>

#include "athanor/v1/worker_service.pb.h"
#include "base/mutex.h"
#include "server/rpc/report_session.h"
#include "server/rpc/service_context.h"

namespace athanor {

// One acquire, which its caller may give up at any moment. Whatever the order of events: `done` is called exactly once,
// and leases that it did not get, or got after it gave up, go back to the queue.
class AcquireCall : public std::enable_shared_from_this<AcquireCall> {
 public:
  AcquireCall(ServiceContext& context, Done<v1::AcquireResponse> done) : context_(context), done_(std::move(done)) {}

  // As Dispatch::Acquire, or refused at once as Owner::Post refuses. While the coordinator is shutting down nobody
  // waits. Once.
  void Start(const v1::AcquireRequest& request);
  // The caller went away: answers CANCELLED. No-op once it was answered.
  void Cancel();
  // The answer did not arrive: its leases go back. No-op before it was answered, and the second time.
  void AnswerLost();

 private:
  void Answer(absl::StatusOr<Grants> grants);
  void GiveBack(Grants grants);

  ServiceContext& context_;
  Mutex mutex_;
  Done<v1::AcquireResponse> done_ ATHANOR_GUARDED_BY(mutex_);  // empty once called
  bool cancelled_ ATHANOR_GUARDED_BY(mutex_) = false;
  Grants granted_ ATHANOR_GUARDED_BY(mutex_);
  Dispatch::WaitId wait_ = 0;  // owner thread only
};

// Each answers through `done`, called exactly once: on the owner thread after the commit of the group that handled it,
// or on the caller's, at once, where Owner::Post refuses. What a call means, and its errors, are told with its RPC.
class WorkerCalls {
 public:
  // Both must outlive every call.
  WorkerCalls(ServiceContext& context, ReportStreams& streams) : context_(context), streams_(streams) {}

  // Also ends the report stream of an older incarnation of the worker.
  void Register(const v1::RegisterRequest& request, Done<v1::RegisterResponse> done);
  // Never null.
  std::shared_ptr<AcquireCall> Acquire(const v1::AcquireRequest& request, Done<v1::AcquireResponse> done);
  // Renews the leases that the worker lists, and tells which of them are dead.
  void Heartbeat(const v1::HeartbeatRequest& request, Done<v1::HeartbeatResponse> done);
  // Outside the report stream: nothing may still be on its way there.
  void Finish(const v1::FinishRequest& request, Done<v1::FinishResponse> done);

 private:
  ServiceContext& context_;
  ReportStreams& streams_;
};

}  // namespace athanor
