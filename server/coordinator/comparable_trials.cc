#include "server/coordinator/comparable_trials.h"

#include <algorithm>

#include "server/core/orientation.h"

namespace athanor {

ComparableTrials CollectComparableTrials(const LiveStudy& study) {
  ComparableTrials compared = {.study = study.id(),
                               .name = study.spec().name,
                               .space = study.space(),
                               .goal = study.spec().objective().goal,
                               .metric = study.spec().objective().metric,
                               .seed = study.spec().search.seed};
  const std::span<const int64_t> rungs = study.search_view().rungs;
  compared.rungs.assign(rungs.begin(), rungs.end());
  const std::span<const Trial> trials = study.trials();
  for (size_t i = trials.size(); i-- > 0 && compared.numbers.size() < kMostComparedTrials;) {
    const Trial& trial = trials[i];
    const bool stopped = trial.state == TrialState::kPruned || trial.state == TrialState::kPaused;
    if (!trial.best || (!stopped && trial.state != TrialState::kCompleted)) continue;
    if (stopped) compared.level = ComparableTrials::Level::kCommonStep;
    compared.numbers.push_back(trial.number);
    compared.trials.push_back({trial.configuration.Unpack(), Orient(compared.goal, trial.best->value)});
  }
  std::ranges::reverse(compared.numbers);
  std::ranges::reverse(compared.trials);
  return compared;
}

}  // namespace athanor
