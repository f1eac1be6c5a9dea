// Asynchronous successive halving by promotion (Li et al. 2018, arXiv:1810.05934, algorithm 2), with one or several
// brackets.
//
// In the paper's symbols min_resource is r, max_resource R, reduction_factor eta, with s = 0. A trial pauses at every
// rung below max_resource (promotion.h) and goes on from its checkpoint when it is promoted: from the top rung down,
// the best waiting trial among the best floor(n / eta) of the n that ever entered. Ties go to the lower number. A trial
// counts among the best of its rung also once it was promoted, so a rung promotes no faster than it fills.
//
// With `brackets` > 1 a trial of bracket b pauses at rung b for the first time: a rung that ranks badly, such as the
// first epoch of a slow starter, then throws only a part of the trials away. How many start in which bracket adapts to
// how well each rung has ranked so far (bracket_share.h). Unlike the brackets of Hyperband they all climb one ladder:
// trials that pass a rung enter it, count in its n, and show how well it ranks. Promotion from rung k changes in two
// ways:
//  * While new trials may start, at most floor(n / eta) go on from it, those that pass it counted (delayed promotion:
//    Hyper-Tune, Li et al. 2022, arXiv:2201.06834, section 4.2, D-ASHA). Without that the cost of a rung grows with
//    those that pass it, and the best of a few early values go on only because they were early.
//  * Once the budget of trials is spent, a worker without work would be idle, and nobody is thrown away by a rung that
//    has turned out to rank badly: the best floor(n / eta^t) go on, with t in [0, 1] the trust in the rung
//    (RungTrust), whoever went on before. A rung that tells nothing, t = 0, lets all of them go on.
#pragma once

#include <cstdint>
#include <memory>

#include "server/stopping/promotion.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {

// Pure: every answer depends on the arguments alone. Thread-safe. OnValue is O(log n) a rung reached, NextPromotion and
// NextFinalist O(log n) a rung, BracketOf O(1) with one bracket, else as ChooseFirstRung. With several brackets
// NextPromotion costs RungTrust a rung more once the budget of trials is spent, and the owner must have let every trial
// Join its ladder, and Start and Stop there.
class AshaRule final : public StoppingRule {
 public:
  // `seed`: of the study, for the draw of brackets. INVALID_ARGUMENT with key path if min_resource < 1, max_resource <
  // min_resource, reduction_factor < 2, finalists < 0 or brackets < 1.
  static absl::StatusOr<std::unique_ptr<AshaRule>> Create(const AshaPromotion& options, uint64_t seed = 0);

  std::string_view name() const override { return "asha"; }
  int64_t BracketOf(const StoppingView& view, TrialNumber trial) const override;
  int64_t FirstRung(int64_t bracket) const override { return bracket; }
  // As PauseAtRungs; the bound is that of the best floor(n / eta).
  StoppingDecision OnValue(const StoppingView& view, const TrialValue& value) const override;
  std::vector<EnteredRung> OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket, TrialEnd end,
                                 double last) const override;
  std::optional<Promotion> NextPromotion(const StoppingView& view) const override;
  std::optional<Promotion> NextFinalist(const StoppingView& view, int64_t completed_at_max_resource) const override;
  std::vector<int64_t> Rungs() const override { return steps_; }
  std::vector<int64_t> HoldSteps(const StoppingView& view, TrialNumber trial, int64_t bracket) const override;

 private:
  AshaRule(const AshaPromotion& options, uint64_t seed);

  Climb ClimbOf(int64_t bracket) const;
  // How many of the best at a rung may go on now.
  int64_t Promotable(const StoppingView& view, int64_t rung) const;
  // The highest rung that trials pause at; -1 if there is none.
  int64_t top() const { return static_cast<int64_t>(steps_.size()) - 2; }

  AshaPromotion options_;
  uint64_t seed_;
  std::vector<int64_t> steps_;
};

}  // namespace athanor
