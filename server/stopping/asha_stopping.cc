#include "server/stopping/asha_stopping.h"

#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "server/core/spec_refusal.h"
#include "server/stopping/rungs.h"

namespace athanor {
absl::StatusOr<std::unique_ptr<AshaStoppingRule>> AshaStoppingRule::Create(const AshaStopping& options) {
  ATHANOR_RETURN_IF_ERROR(CheckRungs(options));
  ATHANOR_RETURN_IF_ERROR(CheckInt("early_stopping.startup_trials", options.startup_trials, 0));
  return std::unique_ptr<AshaStoppingRule>(new AshaStoppingRule(options));
}

AshaStoppingRule::AshaStoppingRule(const AshaStopping& options) : options_(options), steps_(RungSteps(options)) {}

StoppingDecision AshaStoppingRule::OnValue(const StoppingView& view, const TrialValue& value) const {
  StoppingDecision decision;
  const RungRange reached = ReachedRungs(view.ladder, steps_, value);
  for (int64_t k = reached.first; k < reached.end && decision.action == Action::kContinue; ++k) {
    decision.entered.push_back({.rung = k, .value = value.value});
    DecideAt(k, view, value, decision);
  }
  decision.recorded = !decision.entered.empty();
  return decision;
}

void AshaStoppingRule::DecideAt(int64_t k, const StoppingView& view, const TrialValue& value,
                                StoppingDecision& decision) const {
  const Rung& rung = view.ladder.rung(kOnlyLadder, k);
  const Standing standing = StandingAt(rung, value.trial, value.value);
  decision.rung = k;
  decision.n = standing.n;
  decision.bound = kNoBound;
  const bool last = k + 1 == static_cast<int64_t>(steps_.size());
  const bool finite = std::isfinite(value.value);
  if (last || (finite && standing.n < options_.startup_trials)) return;
  const int64_t places = std::max<int64_t>(standing.n / options_.reduction_factor, 1);
  decision.bound = ValueAtPlace(rung, value.value, places);
  if (!finite || standing.strictly_better >= places) decision.action = Action::kPrune;
}

std::vector<EnteredRung> AshaStoppingRule::OnEnd(const StoppingView& view, TrialNumber trial, int64_t, TrialEnd end,
                                                 double last) const {
  return RungsOnEnd(view.ladder, {kOnlyLadder, static_cast<int64_t>(steps_.size())}, trial, end, last);
}

}  // namespace athanor
