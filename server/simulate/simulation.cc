#include "server/simulate/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/status.h"
#include "server/core/orientation.h"
#include "server/simulate/decision_log.h"
#include "server/simulate/virtual_cluster.h"

namespace athanor {
namespace {

constexpr double kNanoseconds = 1e9;
constexpr double kLongest = 4e18;  // nanoseconds that can still be added to: 126 years

// Follows the best value so far.
class Recorder final : public ValueSink {
 public:
  Recorder(const Task& task, StopAt stop_at, const VirtualCluster*& cluster)
      : task_(task), stop_at_(stop_at), cluster_(cluster) {
    result_.reached.resize(task.targets().size());
  }

  Then OnValue(MonotonicTime at, double value) override {
    ++result_.steps;
    const double oriented = Orient(task_.study().objective().goal, value);
    if (oriented >= best_) return Then::kGoOn;
    best_ = oriented;
    const double time = Units(at);
    const auto trials = static_cast<int64_t>(cluster_->study().trials().size());
    result_.improvements.push_back({time, result_.steps, trials, best_});
    for (size_t i = 0; i < result_.reached.size(); ++i) {
      if (!result_.reached[i].has_value() && best_ <= task_.targets()[i].value) result_.reached[i] = time;
    }
    const bool all = !result_.reached.empty() && result_.reached.back().has_value();
    return all && stop_at_ == StopAt::kLastTarget ? Then::kStop : Then::kGoOn;
  }

  double Units(MonotonicTime at) const {
    return static_cast<double>(at.time_since_epoch().count()) / kNanoseconds / task_.unit_seconds();
  }
  SimulationResult& result() { return result_; }

 private:
  const Task& task_;
  const StopAt stop_at_;
  const VirtualCluster*& cluster_;
  double best_ = std::numeric_limits<double>::infinity();
  SimulationResult result_;
};

absl::Status Check(const SimulationOptions& options) {
  const ClusterOptions& cluster = options.cluster;
  const auto refuse = [](const char* what) { return absl::InvalidArgumentError(what); };
  if (cluster.workers < 1) return refuse("workers: want at least 1");
  if (!(cluster.slow_sigma >= 0)) return refuse("slow: want at least 0");
  if (!(cluster.loss_rate >= 0 && cluster.loss_rate < 1)) return refuse("lost: want a probability in [0, 1)");
  if (!(cluster.lease_units > 0)) return refuse("lease: want more than 0");
  if (!(options.cut_off > 0)) return refuse("cut_off: want more than 0");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SimulationResult> Simulate(const Task& task, const Policy& policy, const SimulationOptions& options,
                                          std::string* log) {
  ATHANOR_RETURN_IF_ERROR(Check(options));
  ATHANOR_ASSIGN_OR_RETURN(StudySpec spec, StudyOf(task, policy, options.cluster.workers, options.seed));
  const auto nanoseconds = [&](double units) {
    return Duration(std::llround(std::min(units * task.unit_seconds() * kNanoseconds, kLongest)));
  };
  const std::unique_ptr<Play> play = task.NewPlay();
  DecisionLog store(log);
  CoordinatorOptions coordinator_options;
  coordinator_options.lease = nanoseconds(options.cluster.lease_units);
  coordinator_options.create_search = [&](const StudySpec& study, const SearchSpace& space) {
    return play->CreateSearch(study, space);
  };
  Coordinator coordinator(store, coordinator_options);
  const VirtualCluster* seen = nullptr;
  Recorder recorder(task, options.stop_at, seen);
  VirtualCluster cluster(coordinator, store, *play, recorder, options, nanoseconds(1));
  seen = &cluster;
  const MonotonicTime end(nanoseconds(options.cut_off));
  std::vector<Configuration> enqueued;
  if (policy.proposals == Proposals::kAsRecorded) enqueued = task.recorded();
  ATHANOR_RETURN_IF_ERROR(cluster.Run(std::move(spec), enqueued, end));

  SimulationResult result = std::move(recorder.result());
  const ClusterTotals& totals = cluster.totals();
  const auto units = [&](Duration duration) { return recorder.Units(MonotonicTime(duration)); };
  result.end = recorder.Units(cluster.now());
  result.trials = static_cast<int64_t>(cluster.study().trials().size());
  result.completed = cluster.study().Count(TrialState::kCompleted);
  result.leases = totals.leases;
  result.decisions = totals.leases + totals.verdicts;
  result.busy = units(totals.busy);
  result.silent = units(totals.silent);
  result.idle = std::max(0.0, result.end * static_cast<double>(options.cluster.workers) - result.busy - result.silent);
  return result;
}

}  // namespace athanor
