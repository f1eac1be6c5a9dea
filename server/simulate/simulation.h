// A whole study in virtual time: the coordinator's own code (dispatch, leases, reports, search, stopping) over a store
// that keeps nothing, with virtual workers.
//
// Protocol. Time counts in units of the task's mean full run. A worker asks for work as soon as it has none; those who
// find none wait, and are served in the order in which they came. A trial that is leased again goes on where it last
// paused, at no cost. Every step is reported at the moment it is done, and the stopping rule answers then. Handing over
// trials, reports and checkpoints takes no time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/simulate/policy.h"
#include "server/simulate/task.h"

namespace athanor {

// What becomes of a trial whose worker was lost, once its lease has expired.
enum class LostTrials {
  kRequeue,  // as the coordinator does: it goes back to the queue, and on from where it last paused
  kDrop,     // it is cancelled: nobody ever sees it again (Li et al. 2018, arXiv:1810.05934, section 4.1: dropped jobs)
};

struct ClusterOptions {
  int64_t workers = 4;    // >= 1
  double slow_sigma = 0;  // the time of a lease is that of the run x (1 + |N(0, slow_sigma)|), drawn a lease; >= 0
  double loss_rate = 0;   // in [0, 1): the probability a unit of time that a worker with a lease falls silent. It comes
                          // back for other work when the lease has expired
  double lease_units = 0.01;  // life of a lease after its worker was last heard of; > 0
  LostTrials lost_trials = LostTrials::kRequeue;
};

// When a simulation ends at the latest. It also ends with its study.
enum class StopAt {
  kCutOff,      // at the cut-off
  kLastTarget,  // when the hardest target is reached too
};

struct SimulationOptions {
  ClusterOptions cluster;
  uint64_t seed = 0;     // of the search, and of who is slow or lost
  double cut_off = 100;  // units of time; > 0
  StopAt stop_at = StopAt::kCutOff;
};

// The best value so far fell: at this time, after so many steps and started trials.
struct Improvement {
  double time = 0;     // units
  int64_t steps = 0;   // trained by all trials together, this one included
  int64_t trials = 0;  // leased at least once
  double best = 0;     // oriented
};

struct SimulationResult {
  std::vector<std::optional<double>> reached;  // by target of the task: when, in units; nullopt: not before the end
  std::vector<Improvement> improvements;       // by time
  double end = 0;                              // units
  int64_t trials = 0;
  int64_t completed = 0;
  int64_t steps = 0;
  int64_t leases = 0;
  // Of the workers' time until the end, in units.
  double busy = 0;
  double silent = 0;  // lost, until the lease expired
  double idle = 0;    // without work to do
  // Answers by the coordinator: leases given, and verdicts on reported values.
  int64_t decisions = 0;
};

// A pure function of its arguments: same arguments, same result and same log, on every machine with the same floating
// point. `log`, if not null, gets a line for every fact that the coordinator committed (decision_log.h). Thread-safe;
// blocks for 2 to 5 microseconds a decision, the more the more workers there are, and the search method's time.
//
// Errors: INVALID_ARGUMENT with key path where the policy does not fit the task.
absl::StatusOr<SimulationResult> Simulate(const Task& task, const Policy& policy, const SimulationOptions& options,
                                          std::string* log);

}  // namespace athanor
