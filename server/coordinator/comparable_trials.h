// The trials of a study that can be compared with each other, as what the study teaches about its parameters is
// computed from them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/coordinator/live_study.h"
#include "server/insight/importance.h"

namespace athanor {

// A copy: owns all it looks at.
struct ComparableTrials {
  // kBestValues: every trial ran to its end. kCommonStep: some were stopped early, and a trial that trained on is no
  // better for that; all are to be compared at one of `rungs` (empty: any step).
  enum class Level { kBestValues, kCommonStep };

  StudyId study = 0;
  std::string name = {};
  SearchSpace space = {};
  Goal goal = Goal::kMinimize;
  std::string metric = {};
  uint64_t seed = 0;
  Level level = Level::kBestValues;
  std::vector<int64_t> rungs = {};
  std::vector<TrialNumber> numbers = {};
  std::vector<ScoredConfiguration> trials = {};  // of each number, with its best value
};

// The newest kMostComparedTrials of the trials that are COMPLETED, PRUNED or PAUSED and have a value. O(trials).
inline constexpr size_t kMostComparedTrials = 2000;
ComparableTrials CollectComparableTrials(const LiveStudy& study);

}  // namespace athanor
