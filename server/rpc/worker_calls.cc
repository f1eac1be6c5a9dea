#include "server/rpc/worker_calls.h"

#include <utility>
#include <vector>

#include "base/status.h"
#include "server/rpc/convert_value.h"
#include "server/rpc/convert_worker.h"

namespace athanor {

void AcquireCall::Start(const v1::AcquireRequest& request) {
  AcquireOptions options = FromProto(request);
  if (context_.stopping.load()) options.wait = Duration(0);
  const absl::Status posted =
      context_.owner.Post([self = shared_from_this(), options](Transaction& tx) -> Owner::Reply {
        {
          const MutexLock lock(self->mutex_);
          if (self->cancelled_) return nullptr;
        }
        self->wait_ = self->context_.coordinator.dispatch().Acquire(
            tx, options, [self](absl::StatusOr<Grants> grants) { self->Answer(std::move(grants)); });
        return nullptr;
      });
  if (!posted.ok()) Answer(posted);
}

void AcquireCall::Answer(absl::StatusOr<Grants> grants) {
  Done<v1::AcquireResponse> done;
  {
    const MutexLock lock(mutex_);
    done = std::exchange(done_, nullptr);
    if (done && grants.ok()) granted_ = *grants;
  }
  if (!done) {
    if (grants.ok()) GiveBack(*std::move(grants));
    return;
  }
  if (!grants.ok()) return done(grants.status());
  v1::AcquireResponse response;
  for (const LeaseGrant& grant : *grants) *response.add_leases() = ToProto(grant);
  done(std::move(response));
}

void AcquireCall::AnswerLost() {
  Grants granted;
  {
    const MutexLock lock(mutex_);
    granted = std::exchange(granted_, {});
  }
  GiveBack(std::move(granted));
}

void AcquireCall::Cancel() {
  Done<v1::AcquireResponse> done;
  {
    const MutexLock lock(mutex_);
    done = std::exchange(done_, nullptr);
    if (!done) return;
    cancelled_ = true;
  }
  // If the queue refuses, the acquire runs into its deadline, or what it gets is given back by Answer.
  (void)context_.owner.Post([self = shared_from_this()](Transaction&) -> Owner::Reply {
    self->context_.coordinator.dispatch().Cancel(self->wait_);
    return nullptr;
  });
  done(absl::CancelledError("the call was cancelled"));
}

void AcquireCall::GiveBack(Grants grants) {
  if (grants.empty()) return;
  // If the queue refuses, the leases expire.
  (void)context_.owner.Post([self = shared_from_this(), grants = std::move(grants)](Transaction& tx) -> Owner::Reply {
    self->context_.coordinator.dispatch().GiveBack(tx, grants);
    return nullptr;
  });
}

void WorkerCalls::Register(const v1::RegisterRequest& request, Done<v1::RegisterResponse> done) {
  context_.owner.Submit<v1::RegisterResponse>(
      [this, registration = FromProto(request)](Transaction& tx) -> absl::StatusOr<v1::RegisterResponse> {
        Coordinator& coordinator = context_.coordinator;
        ATHANOR_ASSIGN_OR_RETURN(const WorkerInMemory* worker, coordinator.leases().Register(tx, registration));
        streams_.CloseOlder(registration.worker.name, registration.worker.incarnation);
        const CoordinatorOptions& options = coordinator.state().options;
        v1::RegisterResponse response;
        response.set_lease_ms(ToMs(options.lease));
        response.set_heartbeat_ms(ToMs(options.heartbeat));
        response.set_long_poll_ms(ToMs(options.long_poll));
        response.set_max_leases_per_acquire(options.max_leases_per_acquire);
        response.set_state(StateOf(coordinator.state(), *worker, tx.now.monotonic));
        response.set_reason(worker->record.reason);
        return response;
      },
      std::move(done));
}

std::shared_ptr<AcquireCall> WorkerCalls::Acquire(const v1::AcquireRequest& request, Done<v1::AcquireResponse> done) {
  auto call = std::make_shared<AcquireCall>(context_, std::move(done));
  call->Start(request);
  return call;
}

void WorkerCalls::Heartbeat(const v1::HeartbeatRequest& request, Done<v1::HeartbeatResponse> done) {
  std::vector<LeaseRef> listed;
  for (const v1::LeaseRef& lease : request.leases()) listed.push_back(FromProto(lease));
  std::vector<LiveProgress> progress;
  for (const v1::TrialReport& report : request.progress()) {
    if (report.measurements_size() > 0) {
      return done(absl::InvalidArgumentError("progress: holds measurements, which belong on the report stream"));
    }
    if (report.has_progress()) progress.push_back({FromProto(report.lease()), FromProto(report.progress())});
  }
  context_.owner.Submit<v1::HeartbeatResponse>(
      [this, worker = request.worker(), incarnation = request.incarnation(), listed = std::move(listed),
       progress = std::move(progress)](Transaction& tx) -> absl::StatusOr<v1::HeartbeatResponse> {
        ATHANOR_ASSIGN_OR_RETURN(const HeartbeatAnswer answer,
                                 context_.coordinator.leases().Heartbeat(tx, worker, incarnation, listed, progress));
        v1::HeartbeatResponse response;
        for (const LeaseRef& lease : answer.dead) *response.add_dead() = ToProto(lease);
        for (const Command& command : answer.commands) *response.add_commands() = ToProto(command);
        return response;
      },
      std::move(done));
}

void WorkerCalls::Finish(const v1::FinishRequest& request, Done<v1::FinishResponse> done) {
  absl::StatusOr<FinishOptions> finish = FromProto(request);
  if (!finish.ok()) return done(finish.status());
  context_.owner.Submit<v1::FinishResponse>(
      [this, finish = *std::move(finish)](Transaction& tx) -> absl::StatusOr<v1::FinishResponse> {
        ATHANOR_ASSIGN_OR_RETURN(const TrialState state, context_.coordinator.leases().Finish(tx, finish));
        v1::FinishResponse response;
        response.set_trial_state(ToProto(state));
        return response;
      },
      std::move(done));
}

}  // namespace athanor
