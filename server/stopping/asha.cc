#include "server/stopping/asha.h"

#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "server/core/spec_refusal.h"
#include "server/stopping/bracket_share.h"
#include "server/stopping/rungs.h"

namespace athanor {
absl::StatusOr<std::unique_ptr<AshaRule>> AshaRule::Create(const AshaPromotion& options, uint64_t seed) {
  ATHANOR_RETURN_IF_ERROR(CheckRungs(options));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.finalists", options.finalists, 0));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.brackets", options.brackets, 1));
  return std::unique_ptr<AshaRule>(new AshaRule(options, seed));
}

AshaRule::AshaRule(const AshaPromotion& options, uint64_t seed)
    : options_(options), seed_(seed), steps_(RungSteps(options)) {
  options_.brackets = std::min(options_.brackets, std::max<int64_t>(static_cast<int64_t>(steps_.size()) - 1, 1));
}

Climb AshaRule::ClimbOf(int64_t bracket) const {
  return {.steps = steps_,
          .reduction_factor = options_.reduction_factor,
          .ladder = kOnlyLadder,
          .first_rung = FirstRung(bracket)};
}

int64_t AshaRule::BracketOf(const StoppingView& view, TrialNumber trial) const {
  return options_.brackets == 1 ? 0 : ChooseFirstRung(view.ladder, kOnlyLadder, options_.brackets, seed_, trial);
}

StoppingDecision AshaRule::OnValue(const StoppingView& view, const TrialValue& value) const {
  return PauseAtRungs(view.ladder, ClimbOf(value.bracket), value);
}

std::vector<EnteredRung> AshaRule::OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket, TrialEnd end,
                                         double last) const {
  const LadderShape shape = {kOnlyLadder, static_cast<int64_t>(steps_.size()), FirstRung(bracket)};
  return RungsOnEnd(view.ladder, shape, trial, end, last);
}

int64_t AshaRule::Promotable(const StoppingView& view, int64_t rung) const {
  const Rung& at = view.ladder.rung(kOnlyLadder, rung);
  const int64_t n = at.entries().size();
  const int64_t share = n / options_.reduction_factor;
  if (options_.brackets == 1) return share;
  const bool more_trials = !view.trials_total.has_value() || view.trials_created < *view.trials_total;
  if (more_trials) return WentOn(view.ladder, kOnlyLadder, rung) < share ? share : 0;
  if (rung >= options_.brackets - 1) return share;  // nobody passes it
  const double trust = RungTrust(at);
  if (trust >= 1) return share;
  return static_cast<int64_t>(static_cast<double>(n) *
                              std::pow(static_cast<double>(options_.reduction_factor), -trust));
}

std::optional<Promotion> AshaRule::NextPromotion(const StoppingView& view) const {
  for (int64_t k = top(); k >= 0; --k) {
    const Rung& rung = view.ladder.rung(kOnlyLadder, k);
    if (rung.waiting().empty()) continue;
    if (const auto promotion = BestPromotable(rung, k, Promotable(view, k))) return promotion;
  }
  return std::nullopt;
}

std::optional<Promotion> AshaRule::NextFinalist(const StoppingView& view, int64_t completed_at_max_resource) const {
  if (completed_at_max_resource >= options_.finalists) return std::nullopt;
  for (int64_t k = top(); k >= 0; --k) {
    if (const auto finalist = BestWaiting(view.ladder.rung(kOnlyLadder, k), k)) return finalist;
  }
  return std::nullopt;
}

std::vector<int64_t> AshaRule::HoldSteps(const StoppingView& view, TrialNumber trial, int64_t bracket) const {
  return StepsToPauseAt(view.ladder, ClimbOf(bracket), trial);
}

}  // namespace athanor
