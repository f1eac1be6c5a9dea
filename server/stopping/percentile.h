// The percentile rule; at 50 the median rule of Golovin et al. 2017 (Google Vizier, section 3.2.2), on best values as
// Optuna's pruners have it.
//
// A trial is stopped iff its best value so far is strictly worse than the percentile of the COMPLETED trials' values at
// exactly this step. Percentile 25 keeps about the best quarter. It is interpolated linearly between the two nearest
// ranks, rank 0 being the best and n - 1 the worst.
//
// It goes on while fewer than startup_trials (and at least one) have COMPLETED, before warmup_steps, or with fewer than
// min_trials values at the step. It is looked at once for each boundary warmup_steps + k * interval_steps: by the
// trial's first report at or after it. A trial without one finite value is stopped where it is looked at.
#pragma once

#include <memory>

#include "server/core/order_statistics.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {

// The percentile in [0, 100] of the values, by linear interpolation. NaN if there are none. Between a finite value and
// +inf it is +inf.
double Percentile(const OrderStatistics& values, double percentile);

// Pure: every answer depends on the arguments alone. Thread-safe. O(log n) in the values at the step.
class PercentileRule final : public StoppingRule {
 public:
  // `name`: "median" or "percentile"; static storage. INVALID_ARGUMENT with key path if percentile is outside (0, 100),
  // startup_trials or warmup_steps negative, interval_steps or min_trials < 1.
  static absl::StatusOr<std::unique_ptr<PercentileRule>> Create(std::string_view name,
                                                                const PercentileOptions& options);

  std::string_view name() const override { return name_; }
  // kPrune or kContinue; recorded where a threshold was there to compare with (`bound`), or the trial had no finite
  // value (`bound` NaN).
  StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const override;
  bool ComparesWithCompleted() const override { return true; }

 private:
  PercentileRule(std::string_view name, const PercentileOptions& options) : name_(name), options_(options) {}

  std::string_view name_;
  PercentileOptions options_;
};

}  // namespace athanor
