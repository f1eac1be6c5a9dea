#include "tests/bench/fleet/virtual_fleet.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace athanor::bench {
namespace {

constexpr uint64_t kIncarnation = 1;
constexpr Duration kHeartbeat = std::chrono::seconds(10);
constexpr Duration kLongPoll = std::chrono::seconds(30);
constexpr Duration kTick = std::chrono::milliseconds(100);
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr int64_t kEpochs = 27;
constexpr char kStudy[] = "fleet";

Duration ProcessorTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

double Milliseconds(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

void Must(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "fleet_bench: {}\n", status.ToString());
  std::exit(1);
}

StudySpec Spec() {
  StudySpec spec;
  spec.name = kStudy;
  spec.objectives = {{"val_accuracy", Goal::kMaximize}};
  spec.parameters = {{.name = "learning_rate", .min = 1e-4, .max = 1, .scale = Scale::kLog},
                     {.name = "weight_decay", .min = 1e-6, .max = 1e-2, .scale = Scale::kLog},
                     {.name = "dropout", .min = 0, .max = 0.5}};
  spec.search.method = "random";
  spec.search.seed = 1;
  AshaPromotion asha;
  asha.finalists = 0;
  spec.early_stopping = asha;
  spec.budget.trials = 1'000'000'000;
  spec.trainer["epochs"] = kEpochs;
  Must(Complete(spec));
  return spec;
}

double Quantile(std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

Now VirtualFleet::VirtualClock::Read() const {
  return {now, WallTime(std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()))};
}

VirtualFleet::VirtualFleet(Store& store, const FleetOptions& options)
    : store_(store), options_(options), coordinator_(store, {}), owner_(store, coordinator_, clock_) {
  Must(coordinator_.Load(clock_.now));
  Push({}, 0, Call::kTick);
}

void VirtualFleet::Push(Duration delay, uint32_t worker, Call call) {
  events_.push({clock_.now + delay, next_sequence_++, worker, call});
}

FleetStretch VirtualFleet::Start(Duration ramp, Duration length) {
  for (int i = 0; i < options_.workers; ++i) {
    workers_.emplace_back().name = fmt::format("node-{}", i);
    const auto at = std::chrono::duration_cast<Duration>(ramp * random_.Uniform());
    Push(at, static_cast<uint32_t>(i), Call::kRegister);
  }
  return Pass(length);
}

void VirtualFleet::CreateStudy() {
  Must(owner_.Post([this](Transaction& tx) -> Owner::Reply {
    Must(coordinator_.studies().CreateCompleted(tx, Spec(), {}).status());
    return nullptr;
  }));
  arrivals_.push_back(clock_.now);
}

FleetStretch VirtualFleet::Run(Duration length) { return Pass(length); }

FleetStretch VirtualFleet::RunWithOutage(Duration outage, Duration reconnect, Duration length) {
  away_until_ = clock_.now + outage;
  reconnect_ = reconnect;
  return Pass(length);
}

FleetStretch VirtualFleet::Pass(Duration length) {
  const MonotonicTime begin = clock_.now;
  stretch_ = {};
  processor_ = {};
  waits_ms_.clear();
  while (clock_.now < begin + length) {
    while (!events_.empty() && events_.top().at <= std::max(free_at_, clock_.now)) {
      const Event event = events_.top();
      events_.pop();
      clock_.now = std::max(clock_.now, event.at);
      Arrive(event);
    }
    clock_.now = std::max(clock_.now, free_at_);
    if (arrivals_.empty()) {
      clock_.now = events_.top().at;  // there is always a tick
    } else {
      ServeGroup();
    }
  }
  stretch_.seconds = std::chrono::duration<double>(clock_.now - begin).count();
  stretch_.processor = std::chrono::duration<double>(processor_).count() / stretch_.seconds;
  std::ranges::sort(waits_ms_);
  stretch_.p50_ms = Quantile(waits_ms_, 0.5);
  stretch_.p99_ms = Quantile(waits_ms_, 0.99);
  stretch_.longest_ms = waits_ms_.empty() ? 0 : waits_ms_.back();
  return stretch_;
}

void VirtualFleet::Arrive(const Event& event) {
  if (event.call == Call::kTick) Push(kTick, 0, Call::kTick);
  if (event.call == Call::kHeartbeat) Push(kHeartbeat, event.worker, Call::kHeartbeat);
  if (away_until_.has_value() && event.call != Call::kTick) {
    if (clock_.now >= *away_until_) {
      away_until_.reset();
    } else {
      const auto spread = std::chrono::duration_cast<Duration>(reconnect_ * random_.Uniform());
      if (event.call != Call::kHeartbeat) Push(*away_until_ - clock_.now + spread, event.worker, event.call);
      return;
    }
  }
  const absl::Status posted =
      owner_.Post([this, event](Transaction& tx) -> Owner::Reply { return Apply(tx, event.worker, event.call); });
  if (posted.ok()) {
    arrivals_.push_back(event.at);
    stretch_.largest_queue = std::max(stretch_.largest_queue, static_cast<int64_t>(arrivals_.size()));
  } else {
    ++stretch_.refused;
    if (event.call != Call::kTick && event.call != Call::kHeartbeat) Push(kRetry, event.worker, event.call);
  }
}

// What its replies push is told from the start of the group, whose cost is not known before its end.
void VirtualFleet::ServeGroup() {
  Queue others = std::exchange(events_, {});
  const int64_t served_before = owner_.statistics().operations;
  const Duration processor_before = ProcessorTime();
  owner_.RunOnce();
  const Duration processor = ProcessorTime() - processor_before;
  const Duration cost = processor + options_.disk;
  const int64_t served = owner_.statistics().operations - served_before;

  free_at_ = clock_.now + cost;
  processor_ += processor;
  Queue pushed = std::exchange(events_, std::move(others));
  for (; !pushed.empty(); pushed.pop()) {
    Event event = pushed.top();
    event.at += cost;
    events_.push(event);
  }
  for (int64_t i = 0; i < served; ++i) waits_ms_.push_back(Milliseconds(free_at_ - arrivals_[static_cast<size_t>(i)]));
  arrivals_.erase(arrivals_.begin(), arrivals_.begin() + served);
  stretch_.operations += served;
}

Owner::Reply VirtualFleet::Apply(Transaction& tx, uint32_t index, Call call) {
  if (call == Call::kTick) {
    coordinator_.Tick(tx);
    return nullptr;
  }
  Worker& worker = workers_[index];
  switch (call) {
    case Call::kRegister: {
      Registration registration;
      registration.worker.name = worker.name;
      registration.worker.incarnation = kIncarnation;
      registration.worker.slots = 1;
      registration.protocol_version = kProtocolVersion;
      Must(coordinator_.leases().Register(tx, registration).status());
      return [this, index](const absl::Status&) {
        Push({}, index, Call::kAcquire);
        Push(std::chrono::duration_cast<Duration>(kHeartbeat * random_.Uniform()), index, Call::kHeartbeat);
      };
    }
    case Call::kAcquire: {
      const AcquireOptions options{worker.name, kIncarnation, ++worker.sequence, 1, kLongPoll};
      coordinator_.dispatch().Acquire(tx, options,
                                      [this, index](const absl::StatusOr<Grants>& grants) { OnLeases(index, grants); });
      return nullptr;
    }
    case Call::kReport:
      return Report(tx, index);
    case Call::kFinish: {
      // Refused if the lease has expired: then it has nothing either.
      coordinator_.leases().Finish(tx, {.lease = *worker.lease}).status().IgnoreError();
      worker.lease.reset();
      return [this, index](const absl::Status&) { Push({}, index, Call::kAcquire); };
    }
    default: {
      std::vector<LeaseRef> held;
      if (worker.lease.has_value()) held.push_back(*worker.lease);
      Must(coordinator_.leases().Heartbeat(tx, worker.name, kIncarnation, held, {}).status());
      return nullptr;
    }
  }
}

Owner::Reply VirtualFleet::Report(Transaction& tx, uint32_t index) {
  Worker& worker = workers_[index];
  TrialReport report{.lease = *worker.lease};
  if (!worker.has_reported) report.start = AttemptStart{worker.step, {}};
  worker.has_reported = true;
  ++worker.step;
  Random random({static_cast<uint64_t>(report.lease.trial), static_cast<uint64_t>(worker.step)});
  const double quality = Random({static_cast<uint64_t>(report.lease.trial)}).Uniform();
  const double value = quality + 0.1 * random.Normal() / static_cast<double>(worker.step);
  report.measurements = {{worker.step, worker.step * 1000, {{"val_accuracy", value}}}};
  Verdict verdict = coordinator_.reports().Report(tx, report);
  return [this, index, verdict = std::move(verdict)](const absl::Status&) { OnVerdict(index, verdict); };
}

void VirtualFleet::OnLeases(uint32_t index, const absl::StatusOr<Grants>& grants) {
  Must(grants.status());
  if (grants->empty()) return Push({}, index, Call::kAcquire);
  ++stretch_.leases;
  const LeaseGrant& grant = grants->front();
  Worker& worker = workers_[index];
  worker.lease = grant.ref;
  const auto trial = static_cast<size_t>(grant.ref.trial);
  if (resumable_.size() <= trial) resumable_.resize(trial + 1, 0);
  worker.step = resumable_[trial];
  worker.until = grant.until_step;
  worker.has_reported = false;
  Push(std::chrono::duration_cast<Duration>(options_.report_every * (0.5 + random_.Uniform())), index, Call::kReport);
}

void VirtualFleet::OnVerdict(uint32_t index, const Verdict& verdict) {
  Worker& worker = workers_[index];
  if (verdict.status.ok() && verdict.action == Action::kContinue) {
    if (worker.step >= worker.until) return Push({}, index, Call::kFinish);
    return Push(std::chrono::duration_cast<Duration>(options_.report_every * (0.5 + random_.Uniform())), index,
                Call::kReport);
  }
  if (verdict.action == Action::kPause) resumable_[static_cast<size_t>(worker.lease->trial)] = worker.step;
  worker.lease.reset();
  Push({}, index, Call::kAcquire);
}

}  // namespace athanor::bench
