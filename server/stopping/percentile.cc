#include "server/stopping/percentile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/status.h"
#include "base/value.h"
#include "server/core/spec_refusal.h"
#include "server/stopping/boundaries.h"

namespace athanor {

double Percentile(const OrderStatistics& values, double percentile) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = static_cast<double>(values.size() - 1) * (percentile / 100);
  const auto below = static_cast<int64_t>(position);
  const double low = values.At(below).first;
  const double high = values.At(std::min(below + 1, values.size() - 1)).first;
  const double fraction = position - static_cast<double>(below);
  if (low == high || fraction == 0) return low;
  const double span = high - low;
  if (!std::isfinite(span)) return low * (1 - fraction) + high * fraction;  // +inf, or too far apart for a difference
  // From the nearer end, as numpy.percentile does, so that both give the same bits.
  return fraction < 0.5 ? low + span * fraction : high - span * (1 - fraction);
}

absl::StatusOr<std::unique_ptr<PercentileRule>> PercentileRule::Create(std::string_view name,
                                                                       const PercentileOptions& options) {
  if (!(options.percentile > 0 && options.percentile < 100)) {
    return Refuse("early_stopping.percentile", ToString(options.percentile), "is out of range; want float in (0, 100)");
  }
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.startup_trials", options.startup_trials, 0));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.warmup_steps", options.warmup_steps, 0));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.interval_steps", options.interval_steps, 1));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.min_trials", options.min_trials, 1));
  return std::unique_ptr<PercentileRule>(new PercentileRule(name, options));
}

StoppingDecision PercentileRule::OnValue(const StoppingView& view, const TrialValue& value) const {
  StoppingDecision decision;
  if (view.history.trials() == 0 || view.history.trials() < options_.startup_trials) return decision;
  if (!AtBoundary(value, options_.warmup_steps, options_.interval_steps)) return decision;
  const OrderStatistics& values = view.history.At(value.step);
  decision.n = values.size();
  if (!std::isfinite(value.best)) {
    decision.action = Action::kPrune;
    decision.recorded = true;
    return decision;
  }
  if (values.size() < options_.min_trials) return decision;
  decision.bound = Percentile(values, options_.percentile);
  decision.recorded = true;
  if (value.best > decision.bound) decision.action = Action::kPrune;
  return decision;
}

}  // namespace athanor
