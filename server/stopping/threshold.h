// Stops a trial whose value leaves [lower, upper], or is not finite. Bounds are inclusive and stand in the metric's own
// direction: `upper: 10` on a loss stops what explodes, `lower: 0.2` on an accuracy what does not learn.
//
// The value looked at is that of the report, not the best so far. It is looked at once for each boundary warmup_steps +
// k * interval_steps: by the trial's first report at or after it (boundaries.h).
#pragma once

#include <memory>

#include "server/stopping/stopping_rule.h"

namespace athanor {

// Pure: every answer depends on the arguments alone. Thread-safe. O(1).
class ThresholdRule final : public StoppingRule {
 public:
  // INVALID_ARGUMENT with key path if no bound is given, one is not a number, lower > upper, warmup_steps < 0 or
  // interval_steps < 1.
  static absl::StatusOr<std::unique_ptr<ThresholdRule>> Create(const ThresholdOptions& options, Goal goal);

  std::string_view name() const override { return "threshold"; }
  // kPrune or kContinue; recorded where it prunes. `bound`: the one that was crossed; NaN for a non-finite value.
  StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const override;

 private:
  ThresholdRule(const ThresholdOptions& options, double best, double worst)
      : options_(options), best_(best), worst_(worst) {}

  ThresholdOptions options_;
  double best_;   // oriented, like the values: none may be smaller; -inf = no such bound
  double worst_;  // none may be larger
};

}  // namespace athanor
