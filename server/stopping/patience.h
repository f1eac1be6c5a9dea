// Stops a trial that no longer gets better (early stopping on a plateau, as in Prechelt 1998; Optuna's PatientPruner).
//
// It is stopped when the best of its last patience + 1 values does not beat the best before them by more than
// min_delta, so with fewer than patience + 2 values it goes on. Values are those that the trial reported, whatever
// steps they are at. NaN and infinities never beat anything, and any finite value beats them. With an inner rule, that
// one is asked only then, and decides.
#pragma once

#include <memory>
#include <utility>

#include "server/stopping/stopping_rule.h"

namespace athanor {

// Pure: every answer depends on the arguments alone. Thread-safe. O(1), and the inner rule.
class PatienceRule final : public StoppingRule {
 public:
  // `inner`: null, or a rule without rungs. INVALID_ARGUMENT with key path if patience < 0 or min_delta is negative or
  // not finite.
  static absl::StatusOr<std::unique_ptr<PatienceRule>> Create(const PatienceStopping& options,
                                                              std::unique_ptr<StoppingRule> inner);

  std::string_view name() const override { return "patience"; }
  // kPrune or kContinue; recorded where there were values to compare. `bound`: what the best of the last values had to
  // be strictly better than, NaN if the best before them was not finite; `n`: values reported. Where the inner rule was
  // asked, all of it is what that one says.
  StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const override;
  bool ComparesWithItself() const override { return true; }
  bool ComparesWithCompleted() const override { return inner_ != nullptr && inner_->ComparesWithCompleted(); }

 private:
  PatienceRule(const PatienceStopping& options, std::unique_ptr<StoppingRule> inner)
      : patience_(options.patience), min_delta_(options.min_delta), inner_(std::move(inner)) {}

  int64_t patience_;
  double min_delta_;
  std::unique_ptr<StoppingRule> inner_;
};

}  // namespace athanor
