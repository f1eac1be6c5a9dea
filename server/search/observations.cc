#include "server/search/observations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "server/core/orientation.h"

namespace athanor {
namespace {

constexpr double kWorst = std::numeric_limits<double>::infinity();

bool IsBefore(const ObservedTrial& a, const ObservedTrial& b) {
  return std::tie(a.value, a.trial) < std::tie(b.value, b.trial);
}

// The ladders' rungs at step `level`, those that anything entered.
std::vector<const Rung*> RungsAt(const SearchView& view, int64_t level) {
  std::vector<const Rung*> rungs;
  for (int64_t ladder = 0; ladder < view.ladder->brackets(); ++ladder) {
    const Rung& rung = view.ladder->rung(ladder, level);
    if (!rung.entries().empty()) rungs.push_back(&rung);
  }
  return rungs;
}

int64_t CountFinite(const std::vector<const Rung*>& rungs) {
  int64_t count = 0;
  for (const Rung* rung : rungs) count += rung->entries().CountBelow(kWorst);
  return count;
}

int64_t ChooseLevel(const SearchView& view, int64_t wanted) {
  int64_t most = 0;
  int64_t chosen = 0;
  for (auto level = static_cast<int64_t>(view.rungs.size()) - 1; level >= 0; --level) {
    const int64_t count = CountFinite(RungsAt(view, level));
    if (count >= wanted) return level;
    if (count >= most) {
      most = count;
      chosen = level;
    }
  }
  return chosen;
}

std::vector<ObservedTrial> ResultsAtRung(const SearchView& view, int64_t level) {
  std::vector<ObservedTrial> results;
  const std::vector<const Rung*> rungs = RungsAt(view, level);
  for (const Rung* rung : rungs) {
    for (const auto& [value, trial] : rung->entries()) results.push_back({value, trial});
  }
  if (rungs.size() > 1) std::ranges::sort(results, IsBefore);
  return results;
}

std::vector<ObservedTrial> BestValues(const SearchView& view) {
  std::vector<ObservedTrial> results;
  for (const Trial& trial : view.trials) {
    if (trial.state == TrialState::kFailed || trial.state == TrialState::kInfeasible) {
      results.push_back({kWorst, trial.number});
    } else if (IsFinished(trial.state) && trial.state != TrialState::kCancelled && trial.best) {
      results.push_back({Orient(view.goal, trial.best->value), trial.number});
    }
  }
  std::ranges::sort(results, IsBefore);
  return results;
}

}  // namespace

size_t Observations::CountFinite() const {
  const auto worst =
      std::ranges::find_if(results, [](const ObservedTrial& seen) { return !std::isfinite(seen.value); });
  return static_cast<size_t>(worst - results.begin());
}

Observations Observe(const SearchView& view, const SearchSpace& space) {
  Observations observed;
  if (view.ladder != nullptr && !view.rungs.empty()) {
    observed.rung = ChooseLevel(view, static_cast<int64_t>(space.size()) + 3);
    observed.results = ResultsAtRung(view, observed.rung);
  } else {
    observed.results = BestValues(view);
  }
  std::vector<char> has_result(view.trials.size());
  for (const ObservedTrial& seen : observed.results) has_result[static_cast<size_t>(seen.trial)] = 1;
  for (size_t i = 0; i < view.trials.size(); ++i) {
    if (has_result[i]) continue;
    const Trial& trial = view.trials[i];
    if (!IsFinished(trial.state)) observed.pending.push_back(trial.number);
    if (observed.rung >= 0 && trial.state == TrialState::kPruned) observed.stopped.push_back(trial.number);
  }
  return observed;
}

}  // namespace athanor
