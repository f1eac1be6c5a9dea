#include "server/search/observations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/server/core/spaces.h"
#include "tests/server/search/studies.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using testing::Float;
using ::testing::IsEmpty;
using testing::Space;
using testing::StudyUnderSearch;
using enum TrialState;

constexpr double kWorst = std::numeric_limits<double>::infinity();

TEST(ObserveTest, LearnsFromBestValuesWithoutRungs) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study;
  study.AddCompleted({0.0}, 0.5);
  study.AddCompleted({0.1}, 0.9);
  study.Add({0.2}, kPruned, 0.9);
  study.Add({0.3}, kFailed, 0.99);
  study.Add({0.4}, kInfeasible);
  study.AddCompleted({0.5}, std::nan(""));
  study.Add({0.6}, kCancelled, 0.7);
  study.Add({0.7}, kRunning, 0.8);
  study.Add({0.8}, kWaiting);
  const Observations seen = Observe(study.View(Goal::kMaximize), space);
  EXPECT_EQ(seen.rung, -1);
  EXPECT_THAT(seen.results, ElementsAre(ObservedTrial{-0.9, 1}, ObservedTrial{-0.9, 2}, ObservedTrial{-0.5, 0},
                                        ObservedTrial{kWorst, 3}, ObservedTrial{kWorst, 4}, ObservedTrial{kWorst, 5}));
  EXPECT_EQ(seen.CountFinite(), 3u);
  EXPECT_THAT(seen.pending, ElementsAre(7, 8));
  EXPECT_THAT(seen.stopped, IsEmpty());
}

// One parameter: a rung is learned from once it has four finite results.
TEST(ObserveTest, LearnsFromTheHighestRungWithEnoughResults) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study({1, 3, 9});
  for (int i = 0; i < 6; ++i) {
    study.Enter(study.Add({0.1 * i}, kPaused), 0, 6 - i);
  }
  for (TrialNumber trial = 2; trial < 5; ++trial) study.Enter(trial, 1, static_cast<double>(trial));
  study.Enter(5, 1, kWorst);
  study.Enter(4, 2, 1);

  const Observations low = Observe(study.View(), space);
  EXPECT_EQ(low.rung, 0);
  EXPECT_EQ(low.results.size(), 6u);
  EXPECT_EQ(low.results.front(), (ObservedTrial{1, 5}));
  EXPECT_THAT(low.pending, IsEmpty());

  study.Enter(1, 1, 2);  // ties with trial 2
  const Observations high = Observe(study.View(), space);
  EXPECT_EQ(high.rung, 1);
  EXPECT_THAT(high.results, ElementsAre(ObservedTrial{2, 1}, ObservedTrial{2, 2}, ObservedTrial{3, 3},
                                        ObservedTrial{4, 4}, ObservedTrial{kWorst, 5}));
  EXPECT_THAT(high.pending, ElementsAre(0));
}

TEST(ObserveTest, LearnsFromTheFullestRungWhileNoneHasEnough) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study({1, 3});
  EXPECT_EQ(Observe(study.View(), space).rung, 0);
  for (int i = 0; i < 2; ++i) {
    study.Enter(study.Add({0.1 * i}, kPaused), 0, i);
    study.Enter(i, 1, i);
  }
  EXPECT_EQ(Observe(study.View(), space).rung, 0);
  study.Enter(study.Add({0.5}, kPaused), 0, 7);
  EXPECT_EQ(Observe(study.View(), space).rung, 0);
  EXPECT_EQ(Observe(study.View(), space).results.size(), 3u);
}

TEST(ObserveTest, PutsTheLaddersOfAllBracketsTogether) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study({1, 3});
  for (int i = 0; i < 6; ++i) {
    study.Enter(study.Add({0.1 * i}, kPaused), 1, (i * 4) % 6, i % 3);
  }
  const Observations seen = Observe(study.View(), space);
  EXPECT_EQ(seen.rung, 1);
  EXPECT_THAT(seen.results, ElementsAre(ObservedTrial{0, 0}, ObservedTrial{0, 3}, ObservedTrial{2, 2},
                                        ObservedTrial{2, 5}, ObservedTrial{4, 1}, ObservedTrial{4, 4}));
}

TEST(ObserveTest, TellsTrialsStoppedBelowFromThoseOnTheirWay) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study({1, 3});
  for (int i = 0; i < 8; ++i) study.Enter(study.Add({0.1 * i}, i < 4 ? kCompleted : kPruned, 1.0), 0, i);
  for (TrialNumber trial = 0; trial < 4; ++trial) study.Enter(trial, 1, 0);
  study.Add({0.9}, kRunning);
  study.Add({0.95}, kCancelled);
  const Observations seen = Observe(study.View(), space);
  EXPECT_EQ(seen.rung, 1);
  EXPECT_THAT(seen.stopped, ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(seen.pending, ElementsAre(8));
}

}  // namespace
}  // namespace athanor
