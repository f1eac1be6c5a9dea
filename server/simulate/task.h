// What is simulated: a search space, and how every training run in it would go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"
#include "server/search/search_method.h"

namespace athanor {

// A training run when one more value of it is known.
struct RunPoint {
  int64_t step = 0;    // of the resource, from 1
  double value = 0;    // the objective, in the metric's own direction; may be non-finite
  double seconds = 0;  // of training since step 0; never falls
};

// A value worth reaching, by which searches are compared.
struct Target {
  std::string name;  // "1%"
  double value = 0;  // oriented: reached by whatever is at most this
};

// One simulated study of a task: a task may answer its trials from a stock that trials use up. Not thread-safe.
class Play {
 public:
  virtual ~Play() = default;
  // The method of a completed spec, as the task wants its suggestions made. `space` must outlive it, as must the play.
  virtual absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearch(const StudySpec& spec,
                                                                     const SearchSpace& space) = 0;
  // The run of a trial of that study, by step. Valid as long as the play.
  virtual std::span<const RunPoint> RunOf(const Trial& trial) = 0;
};

// Immutable; thread-safe.
class Task {
 public:
  virtual ~Task() = default;
  virtual const std::string& name() const = 0;
  // Objective, resource and parameters, and in `trainer` how many steps a run has at most. The rest is a policy's.
  virtual const StudySpec& study() const = 0;
  // The unit of virtual time: the mean training time of a full run, in seconds; > 0.
  virtual double unit_seconds() const = 0;
  // The best value that a trial can report, oriented: regret is measured from here.
  virtual double optimum() const = 0;
  // From the easiest.
  virtual std::span<const Target> targets() const = 0;
  // How many trials a study can have; nullopt = no end.
  virtual std::optional<int64_t> stock() const { return std::nullopt; }
  // The configurations in the order in which they were run; empty if runs are computed.
  virtual std::vector<Configuration> recorded() const { return {}; }
  // The task must outlive it.
  virtual std::unique_ptr<Play> NewPlay() const = 0;
};

}  // namespace athanor
