#include "server/stopping/patience.h"

#include <cmath>

#include "base/status.h"
#include "base/value.h"
#include "server/core/spec_refusal.h"

namespace athanor {

absl::StatusOr<std::unique_ptr<PatienceRule>> PatienceRule::Create(const PatienceStopping& options,
                                                                   std::unique_ptr<StoppingRule> inner) {
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.patience", options.patience, 0));
  if (!std::isfinite(options.min_delta) || options.min_delta < 0) {
    return Refuse("early_stopping.min_delta", ToString(options.min_delta), "is out of range; want float >= 0");
  }
  return std::unique_ptr<PatienceRule>(new PatienceRule(options, std::move(inner)));
}

StoppingDecision PatienceRule::OnValue(const StoppingView& view, const TrialValue& value) const {
  StoppingDecision decision;
  const auto n = static_cast<int64_t>(value.bests.size());
  if (n - 2 < patience_) return decision;
  // The best of the last values beats the best before them iff the best of all does.
  const double before = value.bests[static_cast<size_t>(n - 2 - patience_)];
  decision.n = n;
  decision.recorded = true;
  if (std::isfinite(before)) decision.bound = before - min_delta_;
  if (before - value.best > min_delta_) return decision;
  if (inner_ != nullptr) return inner_->OnValue(view, value);
  decision.action = Action::kPrune;
  return decision;
}

}  // namespace athanor
