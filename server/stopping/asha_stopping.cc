#include "server/stopping/asha_stopping.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/stopping/rungs.h"

namespace athanor {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kLadder = 0;

}  // namespace

absl::StatusOr<std::unique_ptr<AshaStoppingRule>> AshaStoppingRule::Create(const AshaStopping& options) {
  ATHANOR_RETURN_IF_ERROR(CheckRungs(options));
  if (options.startup_trials < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("early_stopping.startup_trials: ", options.startup_trials, " is too small; want int >= 0"));
  }
  return std::unique_ptr<AshaStoppingRule>(new AshaStoppingRule(options));
}

AshaStoppingRule::AshaStoppingRule(const AshaStopping& options) : options_(options), steps_(RungSteps(options)) {}

StoppingDecision AshaStoppingRule::OnValue(const StoppingView& view, const TrialValue& value) const {
  StoppingDecision decision;
  const RungRange reached = ReachedRungs(view.ladder, steps_, kLadder, value);
  for (int64_t k = reached.first; k < reached.end && decision.action == Action::kContinue; ++k) {
    decision.entered.push_back({.rung = k, .value = value.value});
    DecideAt(k, view, value, decision);
  }
  decision.recorded = !decision.entered.empty();
  return decision;
}

void AshaStoppingRule::DecideAt(int64_t k, const StoppingView& view, const TrialValue& value,
                                StoppingDecision& decision) const {
  const Rung& rung = view.ladder.rung(kLadder, k);
  const Standing standing = StandingAt(rung, value.trial, value.value);
  decision.rung = k;
  decision.n = standing.n;
  decision.bound = kNothing;
  const bool last = k + 1 == static_cast<int64_t>(steps_.size());
  const bool finite = std::isfinite(value.value);
  if (last || (finite && standing.n < options_.startup_trials)) return;
  const int64_t places = std::max<int64_t>(standing.n / options_.reduction_factor, 1);
  decision.bound = ValueAtPlace(rung, value.value, places);
  if (!finite || standing.strictly_better >= places) decision.action = Action::kPrune;
}

std::vector<EnteredRung> AshaStoppingRule::OnEnd(const StoppingView& view, TrialNumber trial, int64_t, TrialEnd end,
                                                 double last) const {
  return RungsOnEnd(view.ladder, {kLadder, static_cast<int64_t>(steps_.size())}, trial, end, last);
}

}  // namespace athanor
