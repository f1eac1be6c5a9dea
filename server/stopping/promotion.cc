#include "server/stopping/promotion.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/stopping/rungs.h"

namespace athanor {

StoppingDecision PauseAtRungs(const Ladder& ladder, const Climb& climb, const TrialValue& value) {
  StoppingDecision decision;
  RungRange reached = ReachedRungs(ladder, climb.steps, value);
  if (reached.empty()) return decision;
  const bool diverged = !std::isfinite(value.value) && !value.finalist && reached.end <= climb.first_rung;
  if (diverged) reached.end = climb.first_rung + 1;
  for (int64_t k = reached.first; k < reached.end; ++k) decision.entered.push_back({.rung = k, .value = value.value});
  const int64_t at = reached.end - 1;
  const Rung& rung = ladder.rung(climb.ladder, at);
  decision.recorded = true;
  decision.rung = at;
  decision.n = CountWith(rung, value.trial);
  const bool comparable = at >= climb.first_rung && at <= climb.top();
  if (!comparable && !diverged) return decision;
  const int64_t promotable = comparable ? decision.n / climb.reduction_factor : 0;
  if (promotable > 0) decision.bound = ValueAtPlace(rung, value.value, promotable);
  if (!value.finalist) decision.action = Action::kPause;
  return decision;
}

std::vector<int64_t> StepsToPauseAt(const Ladder& ladder, const Climb& climb, TrialNumber trial) {
  std::vector<int64_t> steps;
  for (int64_t k = std::max(ladder.FirstOpenRung(trial), climb.first_rung); k <= climb.top(); ++k) {
    steps.push_back(climb.steps[static_cast<size_t>(k)]);
  }
  return steps;
}

std::optional<Promotion> BestPromotable(const Rung& rung, int64_t rung_number, int64_t promotable) {
  if (promotable == 0 || rung.waiting().empty()) return std::nullopt;
  // Places grow along waiting(), so if its best is behind the last that is promotable, all are.
  const OrderStatistics::Entry best = rung.waiting().At(0);
  const OrderStatistics::Entry last = rung.entries().At(promotable - 1);
  if (!std::isfinite(best.first) || best > last) return std::nullopt;
  return Promotion{.trial = best.second,
                   .from_rung = rung_number,
                   .value = best.first,
                   .bound = last.first,
                   .n = rung.entries().size()};
}

int64_t WentOn(const Ladder& ladder, int64_t number, int64_t rung) {
  const int64_t on_the_way = ladder.UnderWayBelow(number, rung + 1) - ladder.UnderWayBelow(number, rung);
  return ladder.rung(number, rung + 1).entries().size() + on_the_way;
}

std::optional<Promotion> BestWaiting(const Rung& rung, int64_t rung_number) {
  if (rung.waiting().empty()) return std::nullopt;
  const auto [value, trial] = rung.waiting().At(0);
  if (!std::isfinite(value)) return std::nullopt;
  return Promotion{
      .trial = trial, .from_rung = rung_number, .value = value, .bound = kNoBound, .n = rung.entries().size()};
}

bool GoesFirst(const std::optional<Promotion>& candidate, const std::optional<Promotion>& other) {
  if (!candidate.has_value() || !other.has_value()) return candidate.has_value();
  return std::pair(candidate->value, candidate->trial) < std::pair(other->value, other->trial);
}

}  // namespace athanor
