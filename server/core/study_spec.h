// What a study is asked to do: the study file, typed. Defaults stand in place. SEMANTICS section 1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "base/value.h"
#include "server/core/search_space.h"

namespace athanor {

enum class Goal { kMaximize, kMinimize };
enum class Resource { kEpoch, kStep };

struct Objective {
  std::string metric;
  Goal goal = Goal::kMaximize;
};

struct SearchOptions {
  static constexpr int64_t kStartupTrials = 10;
  static constexpr double kRandomShare = 0.2;

  std::string method = "auto";  // auto | grid | random | sobol | tpe | gp | cmaes
  uint64_t seed = 0;
  // tpe and gp only, and there once completed: quasi-random suggestions before the model is asked (>= 1,
  // kStartupTrials unless given), and the share of later ones that are drawn at random instead ([0, 1], kRandomShare
  // unless given).
  std::optional<int64_t> startup_trials = {};
  std::optional<double> random_share = {};
  // What `auto` stands for in this study, and why; empty for every other method. Stored, so that a study keeps its
  // method whatever later versions would pick.
  std::string picked = {};
  std::string picked_reason = {};

  const std::string& effective_method() const { return picked.empty() ? method : picked; }
};

// SEMANTICS section 4, `median` and `percentile`.
struct PercentileOptions {
  double percentile = 50;      // (0, 100)
  int64_t startup_trials = 5;  // >= 0
  int64_t warmup_steps = 0;    // >= 0
  int64_t interval_steps = 1;  // >= 1
  int64_t min_trials = 1;      // >= 1
};

// SEMANTICS section 4, rules with rungs. In the papers' symbols: r, R, eta.
struct HalvingOptions {
  int64_t min_resource = 1;      // r >= 1
  int64_t max_resource = 0;      // R >= r; 0 = what the trainer trains for
  int64_t reduction_factor = 3;  // eta >= 2
  int64_t finalists = 1;         // asha and hyperband only; >= 0
  int64_t startup_trials = 0;    // asha_stopping only; >= 0
};

// At least one bound; lower <= upper; both in the metric's own direction.
struct ThresholdOptions {
  std::optional<double> lower = {};
  std::optional<double> upper = {};
  int64_t warmup_steps = 0;    // >= 0
  int64_t interval_steps = 1;  // >= 1
};

struct NoStopping {};
struct MedianStopping : PercentileOptions {};
struct PercentileStopping : PercentileOptions {};
struct AshaPromotion : HalvingOptions {
  // New trials pause for the first time at one of this many lowest rungs. >= 1; more than there are rungs below the
  // last = all of those.
  int64_t brackets = 1;
};
struct AshaStopping : HalvingOptions {};
struct Hyperband : HalvingOptions {
  bool synchronous = false;  // fresh rungs for every cycle, and each complete before its best move on
};
struct ThresholdStopping : ThresholdOptions {};
// Rules without rungs, which `patience` may ask before it stops a trial.
using InnerStopping = std::variant<NoStopping, MedianStopping, PercentileStopping, ThresholdStopping>;
struct PatienceStopping {
  int64_t patience = 5;  // >= 0
  double min_delta = 0;  // >= 0, finite
  InnerStopping inner = {};
};
using EarlyStoppingOptions = std::variant<NoStopping, MedianStopping, PercentileStopping, AshaPromotion, AshaStopping,
                                          Hyperband, ThresholdStopping, PatienceStopping>;

struct BudgetOptions {
  std::optional<int64_t> trials;
  int64_t parallel = 0;  // RUNNING at most; 0 = no limit
  std::optional<int64_t> wall_clock_ms;
  std::optional<int64_t> max_failures;
  std::optional<double> target;
};

struct RetryOptions {
  int64_t max_attempts = 3;
  int64_t stall_timeout_ms = 600'000;
};

struct RequirementOptions {
  std::string device = "any";  // any | cpu | cuda
  int64_t devices = 1;
  std::map<std::string, std::string> labels;
};

struct CheckpointOptions {
  int64_t interval_ms = 300'000;  // 0 = only at rungs, pauses and the end
  int64_t keep_best = 1;
};

struct StudySpec {
  std::string name;
  std::string description;
  std::map<std::string, std::string> labels;
  int64_t priority = 0;
  std::string owner;
  std::vector<Objective> objectives;  // exactly one
  Resource resource = Resource::kEpoch;
  std::vector<Parameter> parameters;
  SearchOptions search;
  EarlyStoppingOptions early_stopping;
  BudgetOptions budget;
  RetryOptions retry;
  RequirementOptions requirements;
  CheckpointOptions checkpoint;
  NamedValues trainer;
  std::vector<std::string> warm_start;  // names of earlier studies

  const Objective& objective() const { return objectives.front(); }
};

// The trainer option that says how long to train in this unit: "epochs" or "steps".
std::string_view ResourceOption(Resource resource);

// The rungs' options of a rule that has rungs; null for one without.
const HalvingOptions* Halving(const EarlyStoppingOptions& options);

// Steps of the resource that a trial trains for without early stopping: the trainer's `epochs` (or `steps`), by its own
// setting or the option's default; if it is tuned, the largest value it can take.
int64_t TrainerResource(const StudySpec& spec);

// Steps that a trial trains for at most: max_resource of an early-stopping rule with rungs, else TrainerResource.
int64_t MaxResource(const StudySpec& spec);

// "median", "asha", ... ; "none" without a rule.
std::string_view StoppingName(const EarlyStoppingOptions& options);

// Fills in what depends on other parts and refuses what SEMANTICS section 1 refuses. Everything that can be known
// without the store is checked here, SearchSpace::Create included.
//
// Filled in: grid: budget.trials = every point; rungs: max_resource = TrainerResource, or, where only max_resource is
// given, the trainer's `epochs` (`steps`) = max_resource, so that its schedule ends where the trial does; median:
// percentile 50; an empty requires.device: any. Completing a completed spec changes nothing.
//
// Errors: INVALID_ARGUMENT whose message starts with the key path of the study file, then the offending value and what
// would be accepted: "early_stopping.reduction_factor: 1 is out of range; want int in [2, 1000000]". `spec` may be half
// filled in then.
absl::Status Complete(StudySpec& spec);

// The same for a study whose trials the built-in trainer does not run: its parameters may have any name, and `trainer`
// holds at most how long a trial is (ResourceOption).
absl::Status CompleteForAnyTrainer(StudySpec& spec);

}  // namespace athanor
