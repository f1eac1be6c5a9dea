// Several brackets of asha, on one ladder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/random.h"
#include "server/stopping/asha.h"
#include "tests/server/stopping/rule_driver.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using testing::RuleDriver;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::unique_ptr<AshaRule> Rule(int64_t max_resource, int64_t brackets, uint64_t seed = 0) {
  AshaPromotion options;
  options.max_resource = max_resource;
  options.brackets = brackets;
  options.finalists = 0;
  return AshaRule::Create(options, seed).value();
}

// A decision on a value of a trial in a bracket, by hand.
StoppingDecision Decide(const AshaRule& rule, const Ladder& ladder, const TrialValue& value) {
  const CompletedHistory history;
  return rule.OnValue({ladder, history}, value);
}

TEST(AshaBracketsTest, PassesTheRungsBelowItsFirst) {
  const auto rule = Rule(27, 3);  // rungs 1 3 9 27
  Ladder ladder;
  ladder.Join(0, 7, 2);
  const StoppingDecision passing = Decide(*rule, ladder, {.trial = 7, .bracket = 2, .step = 1, .value = 5, .best = 5});
  EXPECT_EQ(passing.action, Action::kContinue);
  EXPECT_EQ(passing.rung, 0);
  EXPECT_EQ(passing.entered.size(), 1u);
  ladder.Enter({.rung = 0, .trial = 7, .value = 5});
  const CompletedHistory history;
  EXPECT_THAT(rule->HoldSteps({ladder, history}, 7, 2), ElementsAre(9));
  EXPECT_THAT(rule->HoldSteps({ladder, history}, 8, 0), ElementsAre(1, 3, 9));
  const StoppingDecision first = Decide(*rule, ladder, {.trial = 7, .bracket = 2, .step = 9, .value = 4, .best = 4});
  EXPECT_EQ(first.action, Action::kPause);
  EXPECT_EQ(first.rung, 2);
  EXPECT_EQ(first.entered.size(), 2u);
}

TEST(AshaBracketsTest, ComparesThoseWhoPauseWithThoseWhoPass) {
  const auto rule = Rule(9, 2);  // rungs 1 3 9
  Ladder ladder;
  ladder.Join(0, 0, 0);
  ladder.Join(0, 1, 1);
  ladder.Join(0, 2, 1);
  for (TrialNumber trial = 0; trial < 3; ++trial) {
    ladder.Enter({.rung = 0, .trial = trial, .value = static_cast<double>(trial)});
  }
  ladder.Wait(0, 0, 0);
  const CompletedHistory history;
  const auto promotion = rule->NextPromotion({ladder, history});
  ASSERT_TRUE(promotion.has_value());
  EXPECT_EQ(promotion->trial, 0);
  EXPECT_EQ(promotion->n, 3);
}

TEST(AshaBracketsTest, ARunThatDivergesOnItsWayGoesNoFurther) {
  const auto rule = Rule(27, 3);
  Ladder ladder;
  ladder.Join(0, 7, 2);
  const StoppingDecision decision =
      Decide(*rule, ladder, {.trial = 7, .bracket = 2, .step = 1, .value = kInfinity, .best = kInfinity});
  EXPECT_EQ(decision.action, Action::kPause);
  EXPECT_EQ(decision.rung, 2);
  ASSERT_EQ(decision.entered.size(), 3u);
  for (const EnteredRung& entered : decision.entered) EXPECT_EQ(entered.value, kInfinity);
}

TEST(AshaBracketsTest, AFailureOnItsWayCountsWhereItWouldHavePaused) {
  const auto rule = Rule(27, 3);
  Ladder ladder;
  const CompletedHistory history;
  EXPECT_EQ(rule->OnEnd({ladder, history}, 7, 2, TrialEnd::kFailed, 0).size(), 3u);
  EXPECT_EQ(rule->OnEnd({ladder, history}, 8, 0, TrialEnd::kInfeasible, 0).size(), 1u);
}

TEST(AshaBracketsTest, MoreThanThereAreRungsMeansAll) {
  const auto rule = Rule(9, 100);
  RuleDriver driver(Rule(9, 100));
  // Rungs 1 and 3 pause. Precision of rung 0 is pushed below use, so that all go to the highest bracket.
  for (TrialNumber trial = 1000; trial < 1050; ++trial) {
    driver.ladder().Join(0, trial, 1);
    driver.ladder().Enter({.rung = 0, .trial = trial, .value = static_cast<double>(trial)});
    driver.ladder().Enter({.rung = 1, .trial = trial, .value = static_cast<double>(-trial)});
  }
  for (TrialNumber trial = 0; trial < 50; ++trial) EXPECT_EQ(rule->BracketOf(driver.view(), trial), 1);
}

// Runs `trials` one after another, promotions first. A trial's values are `quality`, but at step 1, where the rank has
// nothing to do with it. Returns the qualities of trials that reached max_resource.
std::vector<double> Finished(int64_t brackets, const std::vector<double>& quality, const std::vector<double>& at_one) {
  RuleDriver driver(Rule(27, brackets, 3), static_cast<int64_t>(quality.size()));
  const std::vector<int64_t> steps = driver.rule().Rungs();
  std::vector<double> finished;
  const auto run = [&](TrialNumber trial, int64_t rung) {
    const auto index = static_cast<size_t>(trial);
    for (; rung < 4; ++rung) {
      const double value = rung == 0 ? at_one[index] : quality[index];
      if (driver.Report(trial, steps[static_cast<size_t>(rung)], value).action != Action::kContinue) return;
    }
    finished.push_back(quality[index]);
  };
  for (;;) {
    if (const auto promotion = driver.Promote()) {
      run(promotion->first, promotion->second + 1);
    } else if (driver.MayCreate()) {
      run(driver.Create(), 0);
    } else {
      return finished;
    }
  }
}

TEST(AshaBracketsTest, TheBestRunIsFoundThoughItRanksInTheMiddleAtTheFirstRung) {
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> quality;
    std::vector<double> at_one;
    for (int trial = 0; trial < 150; ++trial) {
      quality.push_back(1 + random.Uniform());
      at_one.push_back(random.Uniform());
    }
    quality[100] = 0;
    at_one[100] = 0.5;  // in the middle
    const auto with_one = Finished(1, quality, at_one);
    const auto with_two = Finished(2, quality, at_one);
    EXPECT_EQ(std::ranges::count(with_one, 0), 0) << round;
    EXPECT_EQ(std::ranges::count(with_two, 0), 1) << round;
  }
}

TEST(AshaBracketsTest, ARungThatRanksWellKeepsMostTrials) {
  Random random(6);
  std::vector<double> quality;
  for (int trial = 0; trial < 300; ++trial) quality.push_back(random.Uniform());
  RuleDriver driver(Rule(27, 3), 300);
  int passed = 0;
  for (int trial = 0; trial < 300; ++trial) {
    const TrialNumber created = driver.Create();
    passed += driver.BracketOf(created) > 0;
    for (const int64_t step : {1, 3, 9}) {
      const double value = quality[static_cast<size_t>(trial)];
      if (driver.Report(created, step, value).action != Action::kContinue) break;
    }
  }
  EXPECT_GT(passed, 3);   // it is found out about
  EXPECT_LT(passed, 45);  // at little cost
}

TEST(AshaBracketsTest, RefusesOptionsThatAreOff) {
  AshaPromotion options;
  options.max_resource = 9;
  options.brackets = 0;
  EXPECT_EQ(AshaRule::Create(options).status().message(), "early_stopping.brackets: 0 is too small; want int >= 1");
}

}  // namespace
}  // namespace athanor
