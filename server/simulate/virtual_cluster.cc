#include "server/simulate/virtual_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/prefetch.h"
#include "base/random.h"
#include "base/status.h"

namespace athanor {
namespace {

// Set the draws of a lease apart from each other.
constexpr uint64_t kSlowStream = 0x736c6f77;  // "slow"
constexpr uint64_t kLossStream = 0x6c6f7373;  // "loss"
constexpr uint64_t kIncarnation = 1;

Duration Seconds(double seconds) { return Duration(std::llround(seconds * 1e9)); }

}  // namespace

VirtualCluster::VirtualCluster(Coordinator& coordinator, Store& store, Play& play, ValueSink& sink,
                               const SimulationOptions& options, Duration unit)
    : coordinator_(coordinator), store_(store), play_(play), sink_(sink), options_(options), unit_(unit) {}

void VirtualCluster::SetNow(MonotonicTime now) {
  tx_.now.monotonic = now;
  tx_.now.wall = WallTime(std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()));
}

absl::Status VirtualCluster::Run(StudySpec spec, const std::vector<Configuration>& enqueued, MonotonicTime end) {
  ATHANOR_RETURN_IF_ERROR(Begin(std::move(spec), enqueued));
  while (!stopped_ && !events_.empty() && study_->record().state == StudyState::kActive) {
    if (events_.top().at > end) {
      SetNow(end);
      break;
    }
    const Event event = events_.Pop();
    PrefetchNext();
    SetNow(event.at);
    ATHANOR_RETURN_IF_ERROR(Handle(event));
    if (++in_group_ >= kGroup) ATHANOR_RETURN_IF_ERROR(Commit());
  }
  for (uint32_t index = 0; index < workers_.size(); ++index) {
    if (workers_[index].leased) Release(index);
  }
  return Commit();
}

void VirtualCluster::PrefetchNext() const {
  if (events_.empty()) return;
  // Its worker was fetched when it was one of those after the top.
  const Worker& next = workers_[events_.top().worker];
  coordinator_.reports().Prefetch(next.lease);
  Prefetch(*next.registered);
  for (const Event& event : events_.after_top()) Prefetch(workers_[event.worker]);
}

absl::Status VirtualCluster::Begin(StudySpec spec, const std::vector<Configuration>& enqueued) {
  SetNow(MonotonicTime{});
  report_.measurements.resize(1);
  report_.measurements[0].metrics = {{spec.objective().metric, 0}};
  ATHANOR_ASSIGN_OR_RETURN(study_, coordinator_.studies().CreateCompleted(tx_, std::move(spec), {}));
  for (const Configuration& configuration : enqueued) study_->Enqueue(tx_, configuration);
  workers_.resize(static_cast<size_t>(options_.cluster.workers));
  for (uint32_t index = 0; index < workers_.size(); ++index) {
    Worker& worker = workers_[index];
    worker.name = fmt::format("w{}", index);
    Registration registration;
    registration.worker.name = worker.name;
    registration.worker.incarnation = kIncarnation;
    registration.worker.slots = 1;
    registration.protocol_version = kProtocolVersion;
    const auto registered = coordinator_.leases().Register(tx_, registration);
    if (!registered.ok()) return registered.status();
    worker.registered = *registered;
    idle_.push_back(index);
  }
  ATHANOR_RETURN_IF_ERROR(Commit());
  return ServeIdle();
}

absl::Status VirtualCluster::Commit() {
  coordinator_.FinishGroup(tx_);
  ATHANOR_RETURN_IF_ERROR(store_.Commit(tx_.changes));
  tx_.changes.clear();
  tx_.touched_studies.clear();
  tx_.touched_workers.clear();
  tx_.after_commit.clear();  // nobody has a stream to be pushed to, nor watches
  tx_.replies.clear();
  in_group_ = 0;
  return absl::OkStatus();
}

absl::Status VirtualCluster::Handle(const Event& event) {
  switch (event.kind) {
    case EventKind::kStep:
      ATHANOR_RETURN_IF_ERROR(OnStep(event.worker));
      break;
    case EventKind::kLost:
      ATHANOR_RETURN_IF_ERROR(OnLost(event.worker));
      break;
    case EventKind::kExpired:
      ATHANOR_RETURN_IF_ERROR(OnExpired(event.worker));
      break;
  }
  return ServeIdle();
}

// All workers are alike: if the first finds no work, none does.
absl::Status VirtualCluster::ServeIdle() {
  while (!idle_.empty() && study_->record().state == StudyState::kActive) {
    ATHANOR_ASSIGN_OR_RETURN(const bool leased, Acquire(idle_.front()));
    if (!leased) break;
    idle_.pop_front();
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> VirtualCluster::Acquire(uint32_t index) {
  Worker& worker = workers_[index];
  ATHANOR_ASSIGN_OR_RETURN(
      const std::vector<LeaseRef> leases,
      coordinator_.dispatch().LeaseNow(
          tx_, {.worker = worker.name, .incarnation = kIncarnation, .sequence = ++worker.sequence, .max_trials = 1}));
  if (leases.empty()) return false;
  ++totals_.leases;
  StartRun(worker, leases.front());
  ScheduleNext(index);
  return true;
}

void VirtualCluster::StartRun(Worker& worker, const LeaseRef& lease) {
  const Trial& trial = study_->trial(lease.trial);
  const auto number = static_cast<size_t>(trial.number);
  if (resumable_.size() <= number) resumable_.resize(number + 1, 0);
  worker.leased = true;
  worker.lease = lease;
  worker.run = play_.RunOf(trial);
  const auto point_after = [&](int64_t step) {
    return static_cast<size_t>(std::ranges::upper_bound(worker.run, step, {}, &RunPoint::step) - worker.run.begin());
  };
  worker.run = worker.run.first(point_after(study_->UntilStep(trial)));
  worker.resumed = resumable_[number];
  worker.first = worker.next = point_after(worker.resumed);
  worker.start = now();
  worker.slowness = 1;
  worker.lost_at.reset();
  const ClusterOptions& cluster = options_.cluster;
  const auto draw = [&](uint64_t stream) {
    return Random({options_.seed, stream, static_cast<uint64_t>(trial.number), static_cast<uint64_t>(trial.attempts)});
  };
  if (cluster.slow_sigma > 0) {
    worker.slowness = 1 + std::abs(cluster.slow_sigma * draw(kSlowStream).Normal());
  }
  if (cluster.loss_rate > 0) {
    // The chance to survive t units is (1 - loss_rate)^t.
    const double units = std::log1p(-draw(kLossStream).Uniform()) / std::log1p(-cluster.loss_rate);
    const double seconds = units * std::chrono::duration<double>(unit_).count();
    if (seconds < 1e9) worker.lost_at = now() + Seconds(seconds);
  }
}

void VirtualCluster::ScheduleNext(uint32_t index) {
  const Worker& worker = workers_[index];
  MonotonicTime at = worker.start;
  if (worker.next < worker.run.size()) {
    const double before = worker.first == 0 ? 0 : worker.run[worker.first - 1].seconds;
    at += Seconds((worker.run[worker.next].seconds - before) * worker.slowness);
  }  // else it was recorded no further than the trial has come, and ends at once
  if (worker.lost_at.has_value() && *worker.lost_at < at) {
    events_.Push(*worker.lost_at, index, EventKind::kLost);
  } else {
    events_.Push(at, index, EventKind::kStep);
  }
}

absl::Status VirtualCluster::OnStep(uint32_t index) {
  Worker& worker = workers_[index];
  if (worker.next == worker.run.size()) return Finish(worker);
  const RunPoint& point = worker.run[worker.next];
  report_.lease = worker.lease;
  report_.start.reset();
  if (worker.next == worker.first) report_.start = AttemptStart{worker.resumed, {}};
  Measurement& measurement = report_.measurements.front();
  measurement.step = point.step;
  measurement.elapsed_ms = std::llround(point.seconds * 1e3);
  measurement.metrics.front().value = point.value;
  const Verdict verdict = coordinator_.reports().Report(tx_, report_);
  ATHANOR_RETURN_IF_ERROR(verdict.status);
  ++totals_.verdicts;
  if (sink_.OnValue(now(), point.value) == ValueSink::Then::kStop) stopped_ = true;

  if (verdict.action == Action::kPause) resumable_[static_cast<size_t>(worker.lease.trial)] = point.step;
  if (verdict.action != Action::kContinue) {
    Release(index);
  } else if (++worker.next == worker.run.size()) {
    ATHANOR_RETURN_IF_ERROR(Finish(worker));
  } else {
    ScheduleNext(index);
  }
  return absl::OkStatus();
}

absl::Status VirtualCluster::Finish(Worker& worker) {
  FinishOptions finish;
  finish.lease = worker.lease;
  finish.outcome = AttemptOutcome::kCompleted;
  if (worker.next == worker.first) finish.start = AttemptStart{worker.resumed, {}};
  const auto state = coordinator_.leases().Finish(tx_, finish);
  if (!state.ok()) return state.status();
  Release(static_cast<uint32_t>(&worker - workers_.data()));
  return absl::OkStatus();
}

void VirtualCluster::Release(uint32_t index) {
  Worker& worker = workers_[index];
  (worker.silent ? totals_.silent : totals_.busy) += now() - worker.start;
  worker.leased = false;
  worker.silent = false;
  idle_.push_back(index);
}

// It was heard of until this moment.
absl::Status VirtualCluster::OnLost(uint32_t index) {
  Worker& worker = workers_[index];
  const auto answer = coordinator_.leases().Heartbeat(tx_, worker.name, kIncarnation, {worker.lease}, {});
  if (!answer.ok()) return answer.status();
  totals_.busy += now() - worker.start;
  worker.start = now();
  worker.silent = true;
  events_.Push(study_->live(worker.lease.trial)->expires, index, EventKind::kExpired);
  return absl::OkStatus();
}

absl::Status VirtualCluster::OnExpired(uint32_t index) {
  ATHANOR_RETURN_IF_ERROR(HeartbeatOthers());
  const LeaseRef lease = workers_[index].lease;
  if (options_.cluster.lost_trials == LostTrials::kDrop) {
    const auto cancelled = coordinator_.trials().Cancel(tx_, study_->spec().name, lease.trial, {});
    if (!cancelled.ok()) return cancelled.status();
  } else {
    coordinator_.leases().Expire(tx_);
  }
  Release(index);
  return absl::OkStatus();
}

// Workers that live never let a lease expire. Their heartbeats change nothing else, so they are sent when it matters.
absl::Status VirtualCluster::HeartbeatOthers() {
  for (const Worker& worker : workers_) {
    if (!worker.leased || worker.silent || study_->live(worker.lease.trial)->expires > now()) continue;
    const auto answer = coordinator_.leases().Heartbeat(tx_, worker.name, kIncarnation, {worker.lease}, {});
    if (!answer.ok()) return answer.status();
  }
  return absl::OkStatus();
}

}  // namespace athanor
