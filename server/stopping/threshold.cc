#include "server/stopping/threshold.h"

#include <cmath>
#include <limits>

#include "base/status.h"
#include "base/value.h"
#include "server/core/spec_refusal.h"
#include "server/stopping/boundaries.h"

namespace athanor {
namespace {

constexpr char kLower[] = "early_stopping.lower";
constexpr double kUnbounded = std::numeric_limits<double>::infinity();

}  // namespace

absl::StatusOr<std::unique_ptr<ThresholdRule>> ThresholdRule::Create(const ThresholdOptions& options, Goal goal) {
  if (!options.lower && !options.upper) return Refuse(kLower, "nothing", "is no bound; want lower, upper or both");
  const double lower = options.lower.value_or(-kUnbounded);
  const double upper = options.upper.value_or(kUnbounded);
  if (std::isnan(upper)) return Refuse("early_stopping.upper", "NaN", "is no bound; want float");
  if (!(lower <= upper)) {
    return Refuse(kLower, ToString(lower), std::isnan(lower) ? "is no bound; want float" : "is above upper");
  }
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.warmup_steps", options.warmup_steps, 0));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.interval_steps", options.interval_steps, 1));
  const bool flipped = goal == Goal::kMaximize;
  return std::unique_ptr<ThresholdRule>(new ThresholdRule(options, flipped ? -upper : lower, flipped ? -lower : upper));
}

StoppingDecision ThresholdRule::OnValue(const StoppingView&, const TrialValue& value) const {
  StoppingDecision decision;
  if (!AtBoundary(value, options_.warmup_steps, options_.interval_steps)) return decision;
  const bool finite = std::isfinite(value.value);
  if (finite && value.value >= best_ && value.value <= worst_) return decision;
  decision.action = Action::kPrune;
  decision.recorded = true;
  if (finite) decision.bound = value.value < best_ ? best_ : worst_;
  return decision;
}

}  // namespace athanor
