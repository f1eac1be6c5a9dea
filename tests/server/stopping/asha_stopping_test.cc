#include "server/stopping/asha_stopping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/server/stopping/rule_driver.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::RuleDriver;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

RuleDriver Driver(int64_t max_resource = 9, int64_t reduction_factor = 3, int64_t startup_trials = 0) {
  AshaStopping options;
  options.max_resource = max_resource;
  options.reduction_factor = reduction_factor;
  options.startup_trials = startup_trials;
  return RuleDriver(AshaStoppingRule::Create(options).value());
}

// One value after another at one rung; 'c' continues, 'p' is pruned.
TEST(AshaStoppingTest, GoesOnIffFewerThanTheAllowedAreStrictlyBetter) {
  struct Case {
    const char* name;
    int64_t reduction_factor;
    int64_t startup_trials;
    std::vector<double> values;
    std::string actions;
  };
  const Case cases[] = {
      {"constant: ties go on", 3, 0, {5, 5, 5, 5, 5, 5, 5}, "ccccccc"},
      {"descending: each is the best", 3, 0, {7, 6, 5, 4, 3, 2, 1}, "ccccccc"},
      // Allowed are max(floor(n / 3), 1) = 1 1 1 1 1 2 2 2 3; strictly better are 0 1 2 3 4 5 6 7 8.
      {"ascending: only the first", 3, 0, {1, 2, 3, 4, 5, 6, 7, 8, 9}, "cpppppppp"},
      // The sixth has one strictly better among an allowed two.
      {"second of six", 3, 0, {1, 3, 3, 3, 3, 2}, "cppppc"},
      {"second of five", 3, 0, {1, 3, 3, 3, 2}, "cpppp"},
      {"tied for the second of six", 3, 0, {1, 2, 3, 3, 3, 2}, "cppppc"},
      {"third of six", 3, 0, {1, 1, 3, 3, 3, 2}, "ccpppp"},
      {"halving", 2, 0, {1, 2, 3, 4, 2, 1.5}, "cpppcc"},
      {"startup", 3, 3, {1, 2, 3, 4}, "ccpp"},  // n = 1 and 2 are below 3
      {"non-finite is stopped, first or not", 3, 0, {kInfinity, 5, kInfinity, kInfinity}, "pcpp"},
      {"non-finite is stopped in the startup", 3, 9, {5, kInfinity, 7}, "cpc"},
      {"non-finite counts in n", 3, 0, {1, kInfinity, kInfinity, kInfinity, kInfinity, 2}, "cppppc"},
  };
  for (const Case& c : cases) {
    RuleDriver driver = Driver(9, c.reduction_factor, c.startup_trials);
    std::string actions;
    for (size_t i = 0; i < c.values.size(); ++i) {
      const StoppingDecision decision = driver.Report(static_cast<TrialNumber>(i), 1, c.values[i]);
      EXPECT_EQ(decision.n, static_cast<int64_t>(i) + 1);
      EXPECT_EQ(decision.rung, 0);
      EXPECT_TRUE(decision.recorded);
      actions += decision.action == Action::kContinue ? 'c' : decision.action == Action::kPrune ? 'p' : '?';
    }
    EXPECT_EQ(actions, c.actions) << c.name;
  }
}

TEST(AshaStoppingTest, SaysWhatTheValueWasComparedWith) {
  RuleDriver driver = Driver();
  EXPECT_EQ(driver.Report(0, 1, 4).bound, 4);  // itself
  EXPECT_EQ(driver.Report(1, 1, 6).bound, 4);
  EXPECT_EQ(driver.Report(2, 1, 2).bound, 2);
  for (TrialNumber trial = 3; trial < 5; ++trial) EXPECT_EQ(driver.Report(trial, 1, 9).bound, 2);
  EXPECT_EQ(driver.Report(5, 1, 3).bound, 3);  // 2 3 4 6 9 9: the second of six
  EXPECT_TRUE(std::isnan(Driver(9, 3, 2).Report(0, 1, 4).bound));
}

TEST(AshaStoppingTest, EntersEachCrossedRungUntilOneStopsIt) {
  RuleDriver driver = Driver(27);  // rungs 1 3 9 27
  const StoppingDecision first = driver.Report(0, 10, 5);
  EXPECT_EQ(first.action, Action::kContinue);
  EXPECT_EQ(first.entered.size(), 3u);
  EXPECT_EQ(first.rung, 2);

  // Worse than trial 0, and stopped at the lowest rung already: the higher ones never see it.
  const StoppingDecision second = driver.Report(1, 10, 6);
  EXPECT_EQ(second.action, Action::kPrune);
  EXPECT_EQ(second.rung, 0);
  ASSERT_EQ(second.entered.size(), 1u);
  EXPECT_EQ(driver.ladder().rung(0, 1).entries().size(), 1);

  // Second of six goes on at rung 0, and is second of two at rung 1.
  for (TrialNumber trial = 2; trial < 5; ++trial) driver.Report(trial, 1, 9);
  const StoppingDecision sixth = driver.Report(5, 10, 5.5);
  EXPECT_EQ(sixth.action, Action::kPrune);
  EXPECT_EQ(sixth.rung, 1);
  EXPECT_EQ(sixth.n, 2);
  EXPECT_EQ(sixth.bound, 5);
  EXPECT_EQ(sixth.entered.size(), 2u);
}

TEST(AshaStoppingTest, LooksAtEachRungOnce) {
  RuleDriver driver = Driver();
  driver.Report(0, 1, 1);
  driver.Report(1, 1, 1);
  const StoppingDecision between = driver.Report(1, 2, 99);
  EXPECT_EQ(between.action, Action::kContinue);
  EXPECT_FALSE(between.recorded);
  const StoppingDecision again = driver.Report(1, 1, 99);
  EXPECT_EQ(again.action, Action::kContinue);
  EXPECT_THAT(again.entered, IsEmpty());
  EXPECT_EQ(driver.ladder().rung(0, 0).ValueOf(1), 1);
  EXPECT_TRUE(driver.Report(1, 4, 1).recorded);  // rung 1 is at 3
}

TEST(AshaStoppingTest, OnlyRecordsAtMaxResource) {
  RuleDriver driver = Driver(3);  // rungs 1 and 3
  for (TrialNumber trial = 0; trial < 2; ++trial) driver.Report(trial, 1, 1);
  driver.Report(0, 3, 1);
  const StoppingDecision worse = driver.Report(1, 3, 9);
  EXPECT_EQ(worse.action, Action::kContinue);
  EXPECT_EQ(worse.rung, 1);
  EXPECT_TRUE(std::isnan(worse.bound));
  EXPECT_EQ(driver.ladder().rung(0, 1).entries().size(), 2);
}

TEST(AshaStoppingTest, CountsTrialsThatEnd) {
  RuleDriver driver = Driver();
  EXPECT_EQ(driver.End(0, TrialEnd::kCompleted, 4).size(), 3u);
  EXPECT_EQ(driver.End(1, TrialEnd::kFailed, kInfinity).size(), 1u);
  const StoppingDecision decision = driver.Report(2, 1, 5);
  EXPECT_EQ(decision.n, 3);
  EXPECT_EQ(decision.action, Action::kPrune);  // one strictly better, one allowed
}

TEST(AshaStoppingTest, LetsARetriedTrialReplaceTheInfiniteEntryOfItsFailure) {
  RuleDriver driver = Driver();
  driver.Report(0, 1, 4);
  driver.End(1, TrialEnd::kFailed, kInfinity);
  const StoppingDecision decision = driver.Report(1, 1, 3);
  EXPECT_EQ(decision.action, Action::kContinue);
  EXPECT_EQ(decision.n, 2);
  EXPECT_EQ(driver.ladder().rung(0, 0).ValueOf(1), 3);
}

TEST(AshaStoppingTest, NeverWaitsPausesOrPromotes) {
  RuleDriver driver = Driver();
  for (TrialNumber trial = 0; trial < 9; ++trial) driver.Report(trial, 1, 1);
  EXPECT_EQ(driver.Promote(), std::nullopt);
  EXPECT_EQ(driver.PickFinalist(0), std::nullopt);
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 0, 0), IsEmpty());
  EXPECT_THAT(driver.rule().Rungs(), ElementsAre(1, 3, 9));
}

TEST(AshaStoppingTest, DecidesAsTheDefinitionSaysOnRandomHistories) {
  Random random(32);
  int pruned = 0;
  for (int round = 0; round < 200; ++round) {
    const auto reduction_factor = static_cast<int64_t>(2 + random.Below(3));
    RuleDriver driver = Driver(100, reduction_factor);
    std::vector<double> seen;
    for (TrialNumber trial = 0; trial < 40; ++trial) {
      const double value = static_cast<double>(random.Below(12));
      seen.push_back(value);
      const auto n = static_cast<int64_t>(seen.size());
      const int64_t better = std::count_if(seen.begin(), seen.end(), [&](double other) { return other < value; });
      const bool goes_on = better < std::max<int64_t>(n / reduction_factor, 1);
      const StoppingDecision decision = driver.Report(trial, 1, value);
      ASSERT_EQ(decision.action, goes_on ? Action::kContinue : Action::kPrune);
      ASSERT_EQ(goes_on, value <= decision.bound);  // the recorded bound explains the decision
      pruned += !goes_on;
    }
  }
  EXPECT_GT(pruned, 1'000);
}

TEST(AshaStoppingTest, RefusesOptionsThatAreOff) {
  AshaStopping options;
  options.max_resource = 9;
  options.startup_trials = -1;
  EXPECT_EQ(AshaStoppingRule::Create(options).status().message(),
            "early_stopping.startup_trials: -1 is too small; want int >= 0");
  options = {};
  EXPECT_EQ(AshaStoppingRule::Create(options).status().message(),
            "early_stopping.max_resource: 0 is below min_resource; want int >= 1");
}

}  // namespace
}  // namespace athanor
