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

// Nine trials at rung 0, valued as they are numbered, of which the first wait and the last `passing` pass.
Ladder NineAtTheFirstRung(TrialNumber passing) {
  Ladder ladder;
  for (TrialNumber trial = 0; trial < 9; ++trial) {
    const bool passes = trial >= 9 - passing;
    ladder.Join(0, trial, passes ? 1 : 0);
    ladder.Enter({.rung = 0, .trial = trial, .value = static_cast<double>(trial)});
    if (passes) continue;
    ladder.Stop(trial);
    ladder.Wait(0, 0, trial);
  }
  return ladder;
}

TEST(AshaBracketsTest, NoMoreGoOnThanTheShareWhoPassesIncluded) {
  const auto rule = Rule(9, 2);  // rungs 1 3 9
  const CompletedHistory history;
  Ladder ladder = NineAtTheFirstRung(2);
  const auto first = rule->NextPromotion({ladder, history});
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->trial, 0);
  EXPECT_EQ(first->n, 9);
  EXPECT_EQ(first->bound, 2);
  ladder.StopWaiting(0, 0, 0);
  ladder.Start(0);
  // Trials 0, 7 and 8 are a third of nine: 1 is among the best three, and waits.
  EXPECT_FALSE(rule->NextPromotion({ladder, history, 9, 10}).has_value());
  // Whether those have come to the next rung or are on the way makes no difference.
  ladder.Enter({.rung = 1, .trial = 7, .value = 0});
  ladder.Stop(7);
  EXPECT_FALSE(rule->NextPromotion({ladder, history, 9, 10}).has_value());
  // With no trial to start instead, only the rank counts.
  const auto late = rule->NextPromotion({ladder, history, 10, 10});
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->trial, 1);
}

TEST(AshaBracketsTest, ARungThatTellsNothingThrowsNobodyAwayOnceTheBudgetIsSpent) {
  const auto rule = Rule(9, 2);
  const CompletedHistory history;
  for (const double sign : {1.0, -1.0}) {
    Ladder ladder = NineAtTheFirstRung(0);
    for (TrialNumber trial = 9; trial < 49; ++trial) {  // better at rung 0 than the nine, and ranked by rung 1
      ladder.Join(0, trial, 1);
      ladder.Enter({.rung = 0, .trial = trial, .value = static_cast<double>(-trial)});
      ladder.Enter({.rung = 1, .trial = trial, .value = sign * static_cast<double>(-trial)});
      ladder.Stop(trial);
    }
    EXPECT_FALSE(rule->NextPromotion({ladder, history, 49, 50}).has_value());
    const auto late = rule->NextPromotion({ladder, history, 49, 49});
    EXPECT_EQ(late.has_value() ? late->trial : -1, sign < 0 ? 0 : -1);
  }
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
