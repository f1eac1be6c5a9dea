#include "server/stopping/rungs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace athanor {
namespace {

using ::testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

HalvingOptions Options(int64_t min_resource, int64_t max_resource, int64_t reduction_factor) {
  return {.min_resource = min_resource, .max_resource = max_resource, .reduction_factor = reduction_factor};
}

TEST(RungStepsTest, AreAGeometricSeriesBelowMaxResourceAndMaxResource) {
  EXPECT_THAT(RungSteps(Options(1, 27, 3)), ElementsAre(1, 3, 9, 27));
  EXPECT_THAT(RungSteps(Options(1, 81, 3)), ElementsAre(1, 3, 9, 27, 81));
  EXPECT_THAT(RungSteps(Options(1, 243, 3)), ElementsAre(1, 3, 9, 27, 81, 243));
  EXPECT_THAT(RungSteps(Options(1, 28, 3)), ElementsAre(1, 3, 9, 27, 28));
  EXPECT_THAT(RungSteps(Options(1, 26, 3)), ElementsAre(1, 3, 9, 26));
  EXPECT_THAT(RungSteps(Options(2, 17, 4)), ElementsAre(2, 8, 17));
  EXPECT_THAT(RungSteps(Options(1, 1, 2)), ElementsAre(1));
  EXPECT_THAT(RungSteps(Options(5, 6, 2)), ElementsAre(5, 6));
}

TEST(RungStepsTest, DoNotOverflow) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(RungSteps(Options(kMax - 1, kMax, 2)), ElementsAre(kMax - 1, kMax));
  EXPECT_THAT(RungSteps(Options(3, kMax, kMax / 2)), ElementsAre(3, kMax));
  const std::vector<int64_t> powers = RungSteps(Options(1, kMax, 2));
  ASSERT_EQ(powers.size(), 64u);
  EXPECT_EQ(powers[62], int64_t{1} << 62);
}

TEST(CheckRungsTest, RefusesWhatIsOff) {
  EXPECT_EQ(CheckRungs(Options(1, 1, 2)), absl::OkStatus());
  EXPECT_EQ(CheckRungs(Options(0, 9, 3)).message(), "early_stopping.min_resource: 0 is too small; want int >= 1");
  EXPECT_EQ(CheckRungs(Options(4, 3, 3)).message(),
            "early_stopping.max_resource: 3 is below min_resource; want int >= 4");
  EXPECT_EQ(CheckRungs(Options(1, 9, 1)).message(), "early_stopping.reduction_factor: 1 is too small; want int >= 2");
}

TEST(StandingTest, CountsTheValueItselfOnce) {
  Ladder ladder;
  for (TrialNumber trial = 0; trial < 4; ++trial)
    ladder.Enter({.rung = 0, .trial = trial, .value = static_cast<double>(trial)});
  ladder.Enter({.rung = 0, .trial = 9, .value = kInfinity});
  const Rung& rung = ladder.rung(0, 0);  // 0 1 2 3 inf
  EXPECT_EQ(StandingAt(rung, 7, 2).n, 6);
  EXPECT_EQ(StandingAt(rung, 7, 2).strictly_better, 2);
  EXPECT_EQ(StandingAt(rung, 9, 2).n, 5);  // in place of its +inf
  const double with_seven[] = {0, 1, 1.5, 2, 3, kInfinity};
  for (int64_t place = 1; place <= 6; ++place)
    EXPECT_EQ(ValueAtPlace(rung, 1.5, place), with_seven[place - 1]) << place;
}

TEST(RungsOnEndTest, FillsTheRungsThatATrialDidNotReach) {
  Ladder ladder;
  ladder.Enter({.rung = 0, .trial = 1, .value = 4});
  const auto completed = RungsOnEnd(ladder, {0, 4}, 1, TrialEnd::kCompleted, 3);
  ASSERT_EQ(completed.size(), 3u);
  for (int64_t k = 0; k < 3; ++k) {
    EXPECT_EQ(completed[static_cast<size_t>(k)].rung, k + 1);
    EXPECT_EQ(completed[static_cast<size_t>(k)].value, 3);
  }
  for (const TrialEnd end : {TrialEnd::kFailed, TrialEnd::kInfeasible}) {
    const auto failed = RungsOnEnd(ladder, {0, 4}, 1, end, 3);
    ASSERT_EQ(failed.size(), 1u);
    EXPECT_EQ(failed[0].rung, 1);
    EXPECT_EQ(failed[0].value, kInfinity);
  }
}

TEST(RungsOnEndTest, AddsNothingPastTheTopOrForASecondFailureAtTheSameRung) {
  Ladder ladder;
  ladder.Enter({.rung = 0, .trial = 1, .value = 4});
  EXPECT_TRUE(RungsOnEnd(ladder, {0, 1}, 1, TrialEnd::kCompleted, 3).empty());
  EXPECT_TRUE(RungsOnEnd(ladder, {0, 1}, 1, TrialEnd::kFailed, 3).empty());
  ladder.Enter({.rung = 1, .trial = 1, .value = kInfinity});  // failed, then retried
  EXPECT_TRUE(RungsOnEnd(ladder, {0, 4}, 1, TrialEnd::kFailed, 3).empty());
  EXPECT_EQ(RungsOnEnd(ladder, {0, 4}, 1, TrialEnd::kCompleted, 3).size(), 3u);  // rungs 1 to 3
}

}  // namespace
}  // namespace athanor
