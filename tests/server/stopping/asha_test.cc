#include "server/stopping/asha.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"
#include "tests/server/stopping/rule_driver.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using testing::RuleDriver;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Rungs 1, 3, 9 unless said otherwise.
RuleDriver Driver(int64_t max_resource = 9, int64_t reduction_factor = 3, int64_t finalists = 1) {
  AshaPromotion options;
  options.max_resource = max_resource;
  options.reduction_factor = reduction_factor;
  options.finalists = finalists;
  return RuleDriver(AshaRule::Create(options).value());
}

TEST(AshaTest, PausesAtTheFirstValueAtOrPastARung) {
  RuleDriver driver = Driver(81);  // rungs 1 3 9 27 81
  driver.ladder().Enter({.rung = 0, .trial = 0, .value = 1});
  EXPECT_EQ(driver.Report(0, 2, 5.0).action, Action::kContinue);
  EXPECT_FALSE(driver.Report(0, 2, 5.0).recorded);
  const StoppingDecision decision = driver.Report(0, 4, 5.0);  // rung 1 is at 3
  EXPECT_EQ(decision.action, Action::kPause);
  EXPECT_EQ(decision.rung, 1);
  ASSERT_EQ(decision.entered.size(), 1u);
  EXPECT_EQ(decision.entered[0].rung, 1);
  EXPECT_EQ(decision.entered[0].value, 5.0);
  EXPECT_TRUE(decision.recorded);
}

TEST(AshaTest, TellsTheValueThatAPromotionWouldNeed) {
  RuleDriver driver = Driver();
  EXPECT_TRUE(std::isnan(driver.Report(0, 1, 5).bound));
  EXPECT_TRUE(std::isnan(driver.Report(1, 1, 3).bound));
  StoppingDecision third = driver.Report(2, 1, 4);  // 3 4 5, one of three
  EXPECT_EQ(third.n, 3);
  EXPECT_EQ(third.bound, 3);
  for (TrialNumber trial = 3; trial < 5; ++trial) driver.Report(trial, 1, 9);
  const StoppingDecision sixth = driver.Report(5, 1, 2);  // 2 3 4 5 9 9, two of six
  EXPECT_EQ(sixth.n, 6);
  EXPECT_EQ(sixth.bound, 3);
}

TEST(AshaTest, EntersEveryRungThatOneValueReachesAndPausesAtTheHighest) {
  RuleDriver driver = Driver(27);  // rungs 1 3 9 27
  const StoppingDecision decision = driver.Report(0, 10, 2);
  EXPECT_EQ(decision.action, Action::kPause);
  EXPECT_EQ(decision.rung, 2);
  ASSERT_EQ(decision.entered.size(), 3u);
  for (int64_t k = 0; k < 3; ++k) EXPECT_EQ(driver.ladder().rung(0, k).entries().size(), 1);
  EXPECT_TRUE(driver.ladder().rung(0, 0).waiting().empty());
  EXPECT_EQ(driver.ladder().rung(0, 2).waiting().size(), 1);
}

TEST(AshaTest, GoesOnAtMaxResource) {
  RuleDriver driver = Driver();
  driver.Report(0, 1, 2);
  driver.Report(0, 3, 2);
  const StoppingDecision decision = driver.Report(0, 9, 2);
  EXPECT_EQ(decision.action, Action::kContinue);
  EXPECT_EQ(decision.rung, 2);
  EXPECT_TRUE(std::isnan(decision.bound));
  EXPECT_EQ(driver.ladder().rung(0, 2).entries().size(), 1);
}

TEST(AshaTest, ContinuesWhenARungIsReachedAgain) {
  RuleDriver driver = Driver();
  driver.Report(0, 1, 2);
  ASSERT_EQ(driver.Promote(), std::nullopt);
  // Its checkpoint was lost: step 1 is trained again.
  const StoppingDecision again = driver.Report(0, 1, 1);
  EXPECT_EQ(again.action, Action::kContinue);
  EXPECT_THAT(again.entered, IsEmpty());
  EXPECT_EQ(driver.ladder().rung(0, 0).ValueOf(0), 2);
  EXPECT_EQ(driver.Report(0, 3, 1).action, Action::kPause);
}

// Twelve trials reach rung 0 one after another; after each, everything that may be promoted is.
TEST(AshaTest, PromotesByTheBestThirdSoFar) {
  struct Case {
    const char* name;
    std::vector<double> values;
    std::vector<std::vector<TrialNumber>> promoted_after;  // by the number of values in, from 1
  };
  const Case cases[] = {
      // Ties go to the lower number.
      {"constant", std::vector<double>(12, 5), {{}, {}, {0}, {}, {}, {1}, {}, {}, {2}, {}, {}, {3}}},
      // Each new value is worse: the best third are the first ones.
      {"ascending", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {{}, {}, {0}, {}, {}, {1}, {}, {}, {2}, {}, {}, {3}}},
      // Each new value is the best so far, and among the best floor(n / 3) at once.
      {"descending",
       {12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
       {{}, {}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}}},
      // n = 3: 2.  n = 6: 1 and 2; 1 is new.  n = 9: 0 is new.  n = 12: 0 1 2 3; the 3 of trial 7 is new.
      {"tied and mixed", {5, 2, 4, 1, 9, 9, 3, 3, 0, 7, 7, 7}, {{}, {}, {1}, {3}, {}, {}, {}, {}, {8}, {}, {}, {6}}},
      // +inf counts in n and is never promoted, though at n = 3 the best third is one of them.
      {"non-finite first", {kInfinity, kInfinity, kInfinity, 8, 9, kInfinity}, {{}, {}, {}, {3}, {}, {4}}},
  };
  for (const Case& c : cases) {
    RuleDriver driver = Driver(3);  // rungs 1 and 3
    for (size_t i = 0; i < c.values.size(); ++i) {
      EXPECT_EQ(driver.Report(static_cast<TrialNumber>(i), 1, c.values[i]).action, Action::kPause);
      std::vector<TrialNumber> promoted;
      while (const auto promotion = driver.Promote()) promoted.push_back(promotion->first);
      EXPECT_EQ(promoted, c.promoted_after[i]) << c.name << " after " << i + 1;
    }
  }
}

TEST(AshaTest, PromotesFromTheTopRungDownAndTheBestFirst) {
  RuleDriver driver = Driver();  // rungs 1 3 9
  const double values[] = {4, 1, 3, 9, 9, 9, 2, 9, 9};
  for (TrialNumber trial = 0; trial < 9; ++trial) driver.Report(trial, 1, values[trial]);
  const auto first = driver.rule().NextPromotion(driver.view());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->trial, 1);
  EXPECT_EQ(first->from_rung, 0);
  EXPECT_EQ(first->value, 1);
  EXPECT_EQ(first->bound, 3);  // the third of nine
  EXPECT_EQ(first->n, 9);
  EXPECT_THAT(driver.Promote(), Optional(Pair(1, 0)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(6, 0)));
  driver.Report(1, 3, 7);
  driver.Report(6, 3, 8);
  EXPECT_THAT(driver.Promote(), Optional(Pair(2, 0)));
  EXPECT_EQ(driver.Promote(), std::nullopt);  // rung 0 gave its three; rung 1 has two
  driver.Report(2, 3, 6);
  for (TrialNumber trial = 9; trial < 12; ++trial) driver.Report(trial, 1, 0);
  EXPECT_THAT(driver.Promote(), Optional(Pair(2, 1)));  // the top first, though rung 0 has better values
  EXPECT_THAT(driver.Promote(), Optional(Pair(9, 0)));
}

TEST(AshaTest, CountsFailuresInTheMiddle) {
  RuleDriver driver = Driver();
  driver.Report(0, 1, 5);
  driver.Report(1, 1, 6);
  EXPECT_EQ(driver.Promote(), std::nullopt);
  driver.End(2, TrialEnd::kFailed, kInfinity);  // before any value: enters rung 0 with +inf, so n = 3
  EXPECT_THAT(driver.Promote(), Optional(Pair(0, 0)));
  const auto entered = driver.End(0, TrialEnd::kInfeasible, 5);  // on the way to rung 1
  ASSERT_EQ(entered.size(), 1u);
  EXPECT_EQ(entered[0].rung, 1);
  EXPECT_EQ(entered[0].value, kInfinity);
}

TEST(AshaTest, LetsARetriedTrialReplaceTheInfiniteEntryOfItsFailure) {
  RuleDriver driver = Driver();
  driver.Report(0, 1, 5);
  driver.Report(1, 1, 6);
  driver.End(2, TrialEnd::kFailed, kInfinity);
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 2, 0), ElementsAre(1, 3));
  const StoppingDecision retried = driver.Report(2, 1, 1);
  EXPECT_EQ(retried.action, Action::kPause);
  EXPECT_EQ(retried.n, 3);
  EXPECT_EQ(driver.ladder().rung(0, 0).entries().size(), 3);
  EXPECT_THAT(driver.Promote(), Optional(Pair(2, 0)));
}

TEST(AshaTest, EntersAllHigherRungsWhenATrialCompletesBelowThem) {
  RuleDriver driver = Driver(27);
  driver.Report(0, 1, 5);
  const auto entered = driver.End(0, TrialEnd::kCompleted, 4);
  ASSERT_EQ(entered.size(), 3u);
  EXPECT_EQ(entered.front().rung, 1);
  EXPECT_EQ(entered.back().rung, 3);
  EXPECT_EQ(entered.back().value, 4);
  EXPECT_EQ(driver.Promote(), std::nullopt);  // it waits nowhere
}

TEST(AshaTest, HoldsAtRungsNotYetEnteredBelowMaxResource) {
  RuleDriver driver = Driver(28);  // rungs 1 3 9 27 28
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 0, 0), ElementsAre(1, 3, 9, 27));
  driver.Report(0, 1, 5);
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 0, 0), ElementsAre(3, 9, 27));
  driver.Report(0, 27, 5);
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 0, 0), IsEmpty());
  EXPECT_THAT(driver.rule().Rungs(), ElementsAre(1, 3, 9, 27, 28));
}

TEST(AshaTest, PicksFinalistsByRungThenValueThenNumber) {
  RuleDriver driver = Driver(9, 3, 4);
  driver.Report(0, 1, 5);
  driver.Report(1, 1, 2);
  driver.Report(2, 1, 2);
  driver.Report(3, 1, kInfinity);
  driver.Report(4, 3, 8);  // entered rungs 0 and 1, waits at rung 1
  driver.Report(5, 3, kInfinity);
  EXPECT_EQ(driver.rule().NextFinalist(driver.view(), 4), std::nullopt);
  EXPECT_EQ(driver.rule().NextFinalist(driver.view(), 3)->trial, 4);
  EXPECT_THAT(driver.PickFinalist(0), Optional(Pair(4, 1)));
  EXPECT_THAT(driver.PickFinalist(1), Optional(Pair(1, 0)));
  EXPECT_THAT(driver.PickFinalist(2), Optional(Pair(2, 0)));
  EXPECT_THAT(driver.PickFinalist(3), Optional(Pair(0, 0)));
  EXPECT_EQ(driver.PickFinalist(3), std::nullopt);  // only non-finite ones wait
}

TEST(AshaTest, HasNoFinalistsForThePureAlgorithm) {
  RuleDriver driver = Driver(9, 3, 0);
  driver.Report(0, 1, 5);
  EXPECT_EQ(driver.PickFinalist(0), std::nullopt);
}

TEST(AshaTest, LetsAFinalistRunThroughTheRungs) {
  RuleDriver driver = Driver(27);
  driver.Report(0, 1, 5);
  for (const int64_t step : {3, 9}) {
    const StoppingDecision decision = driver.Report(0, step, 4, /*finalist=*/true);
    EXPECT_EQ(decision.action, Action::kContinue);
    EXPECT_EQ(decision.entered.size(), 1u);
  }
  EXPECT_TRUE(driver.ladder().rung(0, 2).waiting().empty());
}

TEST(AshaTest, PromotesExactlyWhatTheDefinitionSaysOnRandomHistories) {
  Random random(31);
  int promotions = 0;
  for (int round = 0; round < 300; ++round) {
    const auto reduction_factor = static_cast<int64_t>(2 + random.Below(3));
    RuleDriver driver = Driver(reduction_factor, reduction_factor);  // rungs 1 and reduction_factor
    std::map<TrialNumber, double> entered;
    std::set<TrialNumber> promoted;
    for (TrialNumber trial = 0; trial < 40; ++trial) {
      const double value = random.Below(8) == 0 ? kInfinity : static_cast<double>(random.Below(10));
      driver.Report(trial, 1, value);
      entered[trial] = value;
      if (random.Below(2) == 0) continue;
      // By hand: sort all that entered, keep the best floor(n / eta), take the first not promoted.
      std::vector<std::pair<double, TrialNumber>> order;
      for (const auto& [number, entry] : entered) order.emplace_back(entry, number);
      std::sort(order.begin(), order.end());
      std::optional<std::pair<TrialNumber, int64_t>> expected;
      for (size_t i = 0; i < order.size() / static_cast<size_t>(reduction_factor) && !expected; ++i) {
        if (std::isfinite(order[i].first) && !promoted.contains(order[i].second)) expected = {order[i].second, 0};
      }
      ASSERT_EQ(driver.Promote(), expected);
      if (expected) promoted.insert(expected->first);
      promotions += expected.has_value();
    }
  }
  EXPECT_GT(promotions, 1'000);
}

TEST(AshaTest, RefusesOptionsThatAreOff) {
  AshaPromotion options;
  EXPECT_EQ(AshaRule::Create(options).status().message(),
            "early_stopping.max_resource: 0 is below min_resource; want int >= 1");
  options.max_resource = 9;
  options.finalists = -1;
  EXPECT_EQ(AshaRule::Create(options).status().message(), "early_stopping.finalists: -1 is too small; want int >= 0");
}

}  // namespace
}  // namespace athanor
