#include "server/stopping/threshold.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/value.h"
#include "server/stopping/boundaries.h"

namespace athanor {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

absl::Status Refuse(const char* key, const std::string& value, const char* why) {
  return absl::InvalidArgumentError(absl::StrCat("early_stopping.", key, ": ", value, " ", why));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ThresholdRule>> ThresholdRule::Create(const ThresholdOptions& options, Goal goal) {
  if (!options.lower && !options.upper) return Refuse("lower", "nothing", "is no bound; want lower, upper or both");
  const double lower = options.lower.value_or(-kUnbounded);
  const double upper = options.upper.value_or(kUnbounded);
  if (std::isnan(upper)) return Refuse("upper", "NaN", "is no bound; want float");
  if (!(lower <= upper)) {
    return Refuse("lower", ToString(Value(lower)), std::isnan(lower) ? "is no bound; want float" : "is above upper");
  }
  if (options.warmup_steps < 0) {
    return Refuse("warmup_steps", absl::StrCat(options.warmup_steps), "is too small; want int >= 0");
  }
  if (options.interval_steps < 1) {
    return Refuse("interval_steps", absl::StrCat(options.interval_steps), "is too small; want int >= 1");
  }
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
