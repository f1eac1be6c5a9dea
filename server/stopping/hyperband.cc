#include "server/stopping/hyperband.h"

#include <algorithm>
#include <numeric>

#include "base/status.h"
#include "server/core/spec_refusal.h"
#include "server/stopping/rungs.h"

namespace athanor {

absl::StatusOr<std::unique_ptr<HyperbandRule>> HyperbandRule::Create(const Hyperband& options) {
  ATHANOR_RETURN_IF_ERROR(CheckRungs(options));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.finalists", options.finalists, 0));
  return std::unique_ptr<HyperbandRule>(new HyperbandRule(options));
}

HyperbandRule::HyperbandRule(const Hyperband& options) : options_(options) {
  const int64_t eta = options_.reduction_factor;
  // floor(R / eta^j) by dividing j times: integers all the way. r * eta^j <= R iff that is at least r.
  for (int64_t step = options_.max_resource; step >= options_.min_resource; step /= eta) steps_.push_back(step);
  std::ranges::reverse(steps_);
  const auto brackets = static_cast<int64_t>(steps_.size());
  int64_t power = 1;  // eta^s
  for (int64_t s = 0; s < brackets; ++s) {
    if (s > 0) power *= eta;
    sizes_.push_back((brackets * power + s) / (s + 1));
  }
  std::ranges::reverse(sizes_);
  cycle_ = std::accumulate(sizes_.begin(), sizes_.end(), int64_t{0});
}

Climb HyperbandRule::ClimbOf(int64_t bracket) const {
  return {.steps = steps_,
          .reduction_factor = options_.reduction_factor,
          .ladder = LadderOf(bracket),
          .first_rung = FirstRung(bracket)};
}

int64_t HyperbandRule::BracketOf(const StoppingView&, TrialNumber trial) const {
  int64_t place = trial % cycle_;
  int64_t bracket = 0;
  while (place >= sizes_[static_cast<size_t>(bracket)]) place -= sizes_[static_cast<size_t>(bracket++)];
  return options_.synchronous ? trial / cycle_ * brackets() + bracket : bracket;
}

bool HyperbandRule::IsFull(const StoppingView& view, int64_t bracket) const {
  if (view.trials_total.has_value() && view.trials_created >= *view.trials_total) return true;
  const auto last = sizes_.begin() + FirstRung(bracket) + 1;
  const int64_t end = bracket / brackets() * cycle_ + std::accumulate(sizes_.begin(), last, int64_t{0});
  return view.trials_created >= end;
}

StoppingDecision HyperbandRule::OnValue(const StoppingView& view, const TrialValue& value) const {
  return PauseAtRungs(view.ladder, ClimbOf(value.bracket), value);
}

std::vector<EnteredRung> HyperbandRule::OnEnd(const StoppingView& view, TrialNumber trial, int64_t bracket,
                                              TrialEnd end, double last) const {
  const LadderShape shape = {LadderOf(bracket), static_cast<int64_t>(steps_.size()), FirstRung(bracket)};
  return RungsOnEnd(view.ladder, shape, trial, end, last);
}

std::optional<Promotion> HyperbandRule::BestOfPlace(const Ladder& ladder, int64_t bracket, int64_t rung) const {
  const Rung& at = ladder.rung(bracket, rung);
  return BestPromotable(at, rung, at.entries().size() / options_.reduction_factor);
}

std::optional<Promotion> HyperbandRule::BestOfRung(const StoppingView& view, int64_t bracket, int64_t rung) const {
  const auto best = BestOfPlace(view.ladder, bracket, rung);
  if (!best.has_value() || !options_.synchronous) return best;
  if (!IsFull(view, bracket) || view.ladder.UnderWayBelow(bracket, rung) > 0) return std::nullopt;
  // Whoever may still be promoted from below will come.
  for (int64_t below = FirstRung(bracket); below < rung; ++below) {
    if (BestOfPlace(view.ladder, bracket, below)) return std::nullopt;
  }
  return best;
}

std::optional<Promotion> HyperbandRule::NextPromotion(const StoppingView& view) const {
  for (int64_t k = top(); k >= 0; --k) {
    std::optional<Promotion> first;
    for (int64_t bracket = 0; bracket < view.ladder.brackets(); ++bracket) {
      const auto candidate = BestOfRung(view, bracket, k);
      if (GoesFirst(candidate, first)) first = candidate;
    }
    if (first.has_value()) return first;
  }
  return std::nullopt;
}

std::optional<Promotion> HyperbandRule::NextFinalist(const StoppingView& view,
                                                     int64_t completed_at_max_resource) const {
  if (completed_at_max_resource >= options_.finalists) return std::nullopt;
  for (int64_t k = top(); k >= 0; --k) {
    std::optional<Promotion> first;
    for (int64_t bracket = 0; bracket < view.ladder.brackets(); ++bracket) {
      const auto candidate = BestWaiting(view.ladder.rung(bracket, k), k);
      if (GoesFirst(candidate, first)) first = candidate;
    }
    if (first.has_value()) return first;
  }
  return std::nullopt;
}

std::vector<int64_t> HyperbandRule::HoldSteps(const StoppingView& view, TrialNumber trial, int64_t bracket) const {
  return StepsToPauseAt(view.ladder, ClimbOf(bracket), trial);
}

}  // namespace athanor
