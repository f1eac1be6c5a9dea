#include "server/stopping/patience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "server/stopping/percentile.h"
#include "server/stopping/threshold.h"

namespace athanor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::unique_ptr<PatienceRule> Rule(int64_t patience, double min_delta = 0,
                                   std::unique_ptr<StoppingRule> inner = nullptr) {
  return PatienceRule::Create({.patience = patience, .min_delta = min_delta}, std::move(inner)).value();
}

// The decisions on a curve of oriented values, one a step, as if none stopped it.
std::vector<StoppingDecision> Decisions(const StoppingRule& rule, const std::vector<double>& curve) {
  const Ladder ladder;
  const CompletedHistory history;
  std::vector<StoppingDecision> decisions;
  std::vector<double> bests;
  for (const double value : curve) {
    bests.push_back(bests.empty() ? value : std::min(value, bests.back()));
    const auto step = static_cast<int64_t>(bests.size());
    TrialValue now{.step = step, .value = value, .best = bests.back(), .bests = bests};
    if (step > 1) now.previous_step = step - 1;
    decisions.push_back(rule.OnValue({ladder, history}, now));
  }
  return decisions;
}

// At which report it is stopped first, from 1; 0 = never.
int64_t StoppedAt(const StoppingRule& rule, const std::vector<double>& curve) {
  const auto decisions = Decisions(rule, curve);
  const auto pruned = std::ranges::find(decisions, Action::kPrune, &StoppingDecision::action);
  return pruned == decisions.end() ? 0 : pruned - decisions.begin() + 1;
}

TEST(PatienceTest, StopsWhereTheLastValuesDoNotBeatTheBestBefore) {
  struct Case {
    const char* name;
    int64_t patience;
    double min_delta;
    std::vector<double> curve;
    int64_t stopped_at;
  };
  const double nan = kInfinity;  // as it is oriented
  const Case cases[] = {
      {"always better", 0, 0, {5, 4, 3, 2, 1}, 0},
      {"no patience at all", 0, 0, {5, 4, 4, 1}, 3},
      {"a plateau of three", 2, 0, {5, 4, 4, 4, 4, 1}, 5},
      {"gets better just in time", 2, 0, {5, 4, 6, 6, 3, 6, 6, 2}, 0},
      {"too short to tell", 3, 0, {5, 6, 7, 8}, 0},
      {"the first chance to tell", 3, 0, {5, 6, 7, 8, 9}, 5},
      {"better, but by too little", 1, 0.5, {5, 4.75, 4.5, 4}, 3},
      {"better by a little more", 1, 0.5, {5, 4.75, 4.25, 4, 3.5}, 0},
      {"never finite", 1, 0, {nan, nan, nan}, 3},
      {"finite at last", 1, 0, {nan, nan, 7, 7, 7}, 5},
      {"diverged", 1, 0, {3, nan, nan}, 3},
  };
  for (const Case& c : cases) EXPECT_EQ(StoppedAt(*Rule(c.patience, c.min_delta), c.curve), c.stopped_at) << c.name;
}

TEST(PatienceTest, TellsWhatHadToBeBeaten) {
  const auto decisions = Decisions(*Rule(1, 0.25), {5, 4, 6, 3.9});
  EXPECT_FALSE(decisions[1].recorded);
  EXPECT_TRUE(decisions[2].recorded);
  EXPECT_EQ(decisions[2].action, Action::kContinue);
  EXPECT_EQ(decisions[2].bound, 4.75);
  EXPECT_EQ(decisions[2].n, 3);
  EXPECT_EQ(decisions[3].bound, 3.75);
  EXPECT_EQ(decisions[3].action, Action::kPrune);
}

TEST(PatienceTest, AsksTheInnerRuleOnlyThen) {
  const auto rule = Rule(1, 0, ThresholdRule::Create({.upper = 6}, Goal::kMinimize).value());
  // Above the threshold at once, but patience runs out at the fourth value, which is below it, and the fifth is above.
  const auto decisions = Decisions(*rule, {9, 8, 5, 5, 5, 7});
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(decisions[i].action, Action::kContinue) << i;
  EXPECT_FALSE(decisions[4].recorded);  // the threshold was asked and had nothing to say
  EXPECT_EQ(decisions[5].action, Action::kPrune);
  EXPECT_EQ(decisions[5].bound, 6);
}

TEST(PatienceTest, AsksForTheBestSoFarAsOtherRulesDoNot) {
  EXPECT_TRUE(Rule(1)->ComparesWithItself());
  EXPECT_FALSE(ThresholdRule::Create({.upper = 6}, Goal::kMinimize).value()->ComparesWithItself());
}

TEST(PatienceTest, ComparesWithCompletedTrialsIfTheInnerRuleDoes) {
  EXPECT_FALSE(Rule(1)->ComparesWithCompleted());
  EXPECT_FALSE(Rule(1, 0, ThresholdRule::Create({.upper = 6}, Goal::kMinimize).value())->ComparesWithCompleted());
  EXPECT_TRUE(Rule(1, 0, PercentileRule::Create("median", {}).value())->ComparesWithCompleted());
}

TEST(PatienceTest, DecidesAsTheDefinitionSaysOnRandomCurves) {
  Random random(4);
  int pruned = 0;
  for (int round = 0; round < 500; ++round) {
    const auto patience = static_cast<int64_t>(random.Below(4));
    const double min_delta = static_cast<double>(random.Below(3)) / 2;
    std::vector<double> curve;
    for (int i = 0; i < 12; ++i) {
      curve.push_back(random.Below(6) == 0 ? kInfinity : static_cast<double>(random.Below(10)));
    }
    const auto decisions = Decisions(*Rule(patience, min_delta), curve);
    for (size_t n = 1; n <= curve.size(); ++n) {
      const auto last = static_cast<size_t>(patience) + 1;
      Action expected = Action::kContinue;
      if (n > last) {
        const auto split = curve.begin() + static_cast<int64_t>(n - last);
        const double before = *std::min_element(curve.begin(), split);
        const double now = *std::min_element(split, curve.begin() + static_cast<int64_t>(n));
        const bool beats = std::isfinite(now) && (!std::isfinite(before) || before - now > min_delta);
        if (!beats) expected = Action::kPrune;
      }
      ASSERT_EQ(decisions[n - 1].action, expected) << round << " " << n;
      pruned += expected == Action::kPrune;
    }
  }
  EXPECT_GT(pruned, 1'000);
}

TEST(PatienceTest, RefusesOptionsThatAreOff) {
  EXPECT_EQ(PatienceRule::Create({.patience = -1}, nullptr).status().message(),
            "early_stopping.patience: -1 is too small; want int >= 0");
  EXPECT_EQ(PatienceRule::Create({.min_delta = -0.5}, nullptr).status().message(),
            "early_stopping.min_delta: -0.5 is out of range; want float >= 0");
  EXPECT_FALSE(PatienceRule::Create({.min_delta = kInfinity}, nullptr).ok());
}

}  // namespace
}  // namespace athanor
