#include "server/stopping/hyperband.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/server/stopping/rule_driver.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using testing::RuleDriver;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum class Kind { kAsynchronous, kSynchronous };

std::unique_ptr<HyperbandRule> Rule(int64_t min_resource, int64_t max_resource, int64_t reduction_factor,
                                    Kind kind = Kind::kAsynchronous, int64_t finalists = 1) {
  Hyperband options;
  options.min_resource = min_resource;
  options.max_resource = max_resource;
  options.reduction_factor = reduction_factor;
  options.finalists = finalists;
  options.synchronous = kind == Kind::kSynchronous;
  return HyperbandRule::Create(options).value();
}

// With (9, 3): brackets of 9, 5 and 3 trials that pause first at steps 1, 3 and 9; rungs 1, 3, 9.
RuleDriver Nine(Kind kind, std::optional<int64_t> total = std::nullopt) {
  return RuleDriver(Rule(1, 9, 3, kind), total);
}

TEST(HyperbandTest, HasTheBracketsOfThePaper) {
  struct Case {
    int64_t min_resource, max_resource, reduction_factor;
    std::vector<int64_t> rungs;
    std::vector<int64_t> sizes;  // n_s from s_max down to 0
  };
  const Case cases[] = {
      {1, 81, 3, {1, 3, 9, 27, 81}, {81, 34, 15, 8, 5}},  // table 1 of the paper
      {1, 1000, 10, {1, 10, 100, 1000}, {1000, 134, 20, 4}},
      {1, 243, 3, {1, 3, 9, 27, 81, 243}, {243, 98, 41, 18, 9, 6}},
      {3, 81, 3, {3, 9, 27, 81}, {27, 12, 6, 4}},
      {1, 52, 3, {1, 5, 17, 52}, {27, 12, 6, 4}},  // 52/27, 52/9, 52/3 rounded down
      {1, 2, 3, {2}, {1}},
      {5, 5, 2, {5}, {1}},
      {1, 1LL << 53, 2, {}, {}},  // the largest: does not overflow
  };
  for (const Case& c : cases) {
    const auto rule = Rule(c.min_resource, c.max_resource, c.reduction_factor);
    SCOPED_TRACE(::testing::Message() << c.max_resource << ", " << c.reduction_factor);
    if (c.rungs.empty()) {
      EXPECT_EQ(rule->Rungs().size(), 54u);
      EXPECT_EQ(rule->sizes().front(), 1LL << 53);
      continue;
    }
    EXPECT_EQ(rule->Rungs(), c.rungs);
    EXPECT_EQ(rule->sizes(), c.sizes);
  }
}

TEST(HyperbandTest, FillsTheBracketsInOrderAndThenTheNextCycle) {
  struct Case {
    Kind kind;
    std::vector<int64_t> brackets;  // of trials 0, 8, 9, 13, 14, 16, 17, 25, 26, 34
  };
  for (const Case& c : {Case{Kind::kAsynchronous, {0, 0, 1, 1, 2, 2, 0, 0, 1, 0}},
                        Case{Kind::kSynchronous, {0, 0, 1, 1, 2, 2, 3, 3, 4, 6}}}) {
    RuleDriver driver = Nine(c.kind);
    std::vector<int64_t> brackets;
    for (const TrialNumber trial : {0, 8, 9, 13, 14, 16, 17, 25, 26, 34}) {
      brackets.push_back(driver.rule().BracketOf(driver.view(), trial));
    }
    EXPECT_EQ(brackets, c.brackets);
    EXPECT_EQ(driver.rule().FirstRung(2), 2);
    EXPECT_EQ(driver.rule().FirstRung(4), 1);
  }
}

TEST(HyperbandTest, PausesFromTheFirstRungOfTheBracketOn) {
  RuleDriver driver = Nine(Kind::kAsynchronous);
  while (driver.created() < 17) driver.Create();
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 0, 0), ElementsAre(1, 3));
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 9, 1), ElementsAre(3));
  EXPECT_THAT(driver.rule().HoldSteps(driver.view(), 14, 2), IsEmpty());
  EXPECT_EQ(driver.Report(0, 1, 5).action, Action::kPause);
  EXPECT_EQ(driver.Report(9, 1, 5).action, Action::kContinue);  // enters rung 0 of its own ladder
  EXPECT_EQ(driver.ladder().rung(0, 0).entries().size(), 1);
  EXPECT_EQ(driver.ladder().rung(1, 0).entries().size(), 1);
  EXPECT_EQ(driver.Report(9, 3, 5).action, Action::kPause);
  for (const int64_t step : {1, 3, 9}) EXPECT_EQ(driver.Report(14, step, 5).action, Action::kContinue) << step;
}

// Values of the nine trials of bracket 0 at step 1, in order of arrival; what is promoted from rung 0 after each.
TEST(HyperbandTest, AsynchronousPromotesAsAshaDoesInEachBracket) {
  struct Case {
    const char* name;
    std::vector<double> values;
    std::vector<std::vector<TrialNumber>> promoted_after;
  };
  const Case cases[] = {
      {"constant", std::vector<double>(9, 5), {{}, {}, {0}, {}, {}, {1}, {}, {}, {2}}},
      {"ascending", {1, 2, 3, 4, 5, 6, 7, 8, 9}, {{}, {}, {0}, {}, {}, {1}, {}, {}, {2}}},
      {"descending", {9, 8, 7, 6, 5, 4, 3, 2, 1}, {{}, {}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}},
      // n = 3: 1, the first of two with 2.  n = 6: 1 and 2.  n = 9: 8 is new.
      {"tied", {3, 2, 2, 3, 3, 3, 3, 3, 1}, {{}, {}, {1}, {}, {}, {2}, {}, {}, {8}}},
      // The second and third failed. n = 3: 0.  n = 6: 3 with 0.  n = 9: 6 with those.
      {"failures", {4, kInfinity, kInfinity, 5, 9, 9, 6, 9, 9}, {{}, {}, {0}, {}, {}, {3}, {}, {}, {6}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RuleDriver driver = Nine(Kind::kAsynchronous);
    for (size_t i = 0; i < c.values.size(); ++i) {
      const TrialNumber trial = driver.Create();
      if (c.values[i] == kInfinity) {
        driver.End(trial, TrialEnd::kFailed, kInfinity);
      } else {
        driver.Report(trial, 1, c.values[i]);
      }
      std::vector<TrialNumber> promoted;
      while (const auto promotion = driver.Promote()) promoted.push_back(promotion->first);
      EXPECT_EQ(promoted, c.promoted_after[i]) << i;
    }
  }
}

TEST(HyperbandTest, PromotesFromTheTopRungDownOverAllBracketsTheBetterValueFirst) {
  RuleDriver driver = Nine(Kind::kAsynchronous);
  while (driver.created() < 17) driver.Create();
  for (TrialNumber trial = 0; trial < 6; ++trial) driver.Report(trial, 3, 10 + static_cast<double>(trial));  // rung 1
  for (TrialNumber trial = 6; trial < 9; ++trial) driver.Report(trial, 1, 1);
  for (TrialNumber trial = 9; trial < 12; ++trial) driver.Report(trial, 3, 11);  // rung 1 of bracket 1
  // Rung 1: of bracket 0 trials 0 (10) and 1 (11), of bracket 1 trial 9 (11). Rung 0 of bracket 0: n = 9, best three
  // are 6, 7, 8.
  EXPECT_THAT(driver.Promote(), Optional(Pair(0, 1)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(1, 1)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(9, 1)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(6, 0)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(7, 0)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(8, 0)));
  EXPECT_EQ(driver.Promote(), std::nullopt);
}

TEST(HyperbandTest, SynchronousPromotesOnceARungIsComplete) {
  RuleDriver driver = Nine(Kind::kSynchronous);
  for (TrialNumber trial = 0; trial < 8; ++trial) {
    driver.Create();
    driver.Report(trial, 1, 9 - static_cast<double>(trial));
    EXPECT_EQ(driver.Promote(), std::nullopt) << trial;
  }
  driver.Create();
  EXPECT_EQ(driver.Promote(), std::nullopt);  // created, but on the way
  driver.Report(8, 1, 4.5);
  EXPECT_THAT(driver.Promote(), Optional(Pair(7, 0)));  // 2
  EXPECT_THAT(driver.Promote(), Optional(Pair(6, 0)));  // 3
  driver.Report(7, 3, 1);
  EXPECT_EQ(driver.Promote(), (std::pair<TrialNumber, int64_t>(5, 0)));  // 4: three of nine
  EXPECT_EQ(driver.Promote(), std::nullopt);
  driver.Report(6, 3, 2);
  EXPECT_EQ(driver.Promote(), std::nullopt);  // 5 is still on its way to rung 1
  driver.Report(5, 3, 3);
  EXPECT_THAT(driver.Promote(), Optional(Pair(7, 1)));
  EXPECT_EQ(driver.Promote(), std::nullopt);
}

TEST(HyperbandTest, SynchronousWaitsForWhoMayStillBePromotedToTheRung) {
  RuleDriver driver = Nine(Kind::kSynchronous);
  for (TrialNumber trial = 0; trial < 9; ++trial) {
    driver.Create();
    // The first three come late and cross two rungs at once.
    if (trial < 3) {
      driver.Report(trial, 3, 5);
    } else {
      driver.Report(trial, 1, 1);
    }
  }
  // Rung 1 holds three, of which one could go on; but three of rung 0 (3, 4 and 5) will come first.
  for (const TrialNumber trial : {3, 4, 5}) EXPECT_THAT(driver.Promote(), Optional(Pair(trial, 0)));
  EXPECT_EQ(driver.Promote(), std::nullopt);
}

TEST(HyperbandTest, SynchronousDoesNotWaitForTheDead) {
  RuleDriver driver = Nine(Kind::kSynchronous);
  for (TrialNumber trial = 0; trial < 9; ++trial) driver.Create();
  for (TrialNumber trial = 0; trial < 6; ++trial) driver.Report(trial, 1, static_cast<double>(trial));
  driver.End(6, TrialEnd::kFailed, kInfinity);
  driver.End(7, TrialEnd::kInfeasible, kInfinity);
  EXPECT_EQ(driver.Promote(), std::nullopt);
  driver.Cancel(8);
  // n = 8: two go on.
  EXPECT_THAT(driver.Promote(), Optional(Pair(0, 0)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(1, 0)));
  EXPECT_EQ(driver.Promote(), std::nullopt);
  // One of them fails on the way: it has arrived at rung 1, with +inf.
  driver.Report(0, 3, 1);
  driver.End(1, TrialEnd::kFailed, 1);
  EXPECT_EQ(driver.ladder().rung(0, 1).entries().size(), 2);
  EXPECT_EQ(driver.Promote(), std::nullopt);  // floor(2 / 3) = 0
}

TEST(HyperbandTest, SynchronousGivesEveryCycleItsOwnRungs) {
  RuleDriver driver = Nine(Kind::kSynchronous);
  while (driver.created() < 26) driver.Create();
  for (TrialNumber trial = 0; trial < 8; ++trial) driver.Report(trial, 1, 1);
  for (TrialNumber trial = 17; trial < 26; ++trial) driver.Report(trial, 1, 100 - static_cast<double>(trial));
  // Trial 8 stalls the first cycle. The second goes on without it.
  EXPECT_THAT(driver.Promote(), Optional(Pair(25, 0)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(24, 0)));
  EXPECT_THAT(driver.Promote(), Optional(Pair(23, 0)));
  EXPECT_EQ(driver.Promote(), std::nullopt);
  driver.Report(8, 1, 0);
  EXPECT_THAT(driver.Promote(), Optional(Pair(8, 0)));
}

TEST(HyperbandTest, SynchronousCompletesABracketThatTheBudgetCutsShort) {
  RuleDriver driver = Nine(Kind::kSynchronous, 4);
  for (TrialNumber trial = 0; trial < 3; ++trial) {
    driver.Create();
    driver.Report(trial, 1, static_cast<double>(trial));
    EXPECT_EQ(driver.Promote(), std::nullopt);
  }
  driver.Create();
  driver.Report(3, 1, 3);
  EXPECT_THAT(driver.Promote(), Optional(Pair(0, 0)));  // floor(4 / 3)
  EXPECT_EQ(driver.Promote(), std::nullopt);
}

TEST(HyperbandTest, AFailureBelowTheFirstRungCountsThere) {
  RuleDriver driver = Nine(Kind::kAsynchronous);
  while (driver.created() < 17) driver.Create();
  EXPECT_EQ(driver.End(9, TrialEnd::kFailed, kInfinity).size(), 2u);   // rungs 0 and 1
  EXPECT_EQ(driver.End(14, TrialEnd::kFailed, kInfinity).size(), 3u);  // all
  driver.Report(10, 3, 2);
  driver.Report(11, 3, 1);
  EXPECT_THAT(driver.Promote(), Optional(Pair(11, 1)));  // n = 3, the failure included
}

TEST(HyperbandTest, ADivergedRunStopsAtOnce) {
  RuleDriver driver = Nine(Kind::kAsynchronous);
  while (driver.created() < 17) driver.Create();
  const StoppingDecision decision = driver.Report(9, 1, kInfinity);
  EXPECT_EQ(decision.action, Action::kPause);
  EXPECT_EQ(decision.rung, 1);
  EXPECT_EQ(decision.entered.size(), 2u);
  EXPECT_EQ(driver.Report(14, 1, kInfinity).action, Action::kPause);     // of the bracket that never pauses
  EXPECT_EQ(driver.Report(15, 9, kInfinity).action, Action::kContinue);  // at the end there is nothing to save
}

TEST(HyperbandTest, PicksFinalistsByRungThenValueThenNumberOverAllBrackets) {
  RuleDriver driver = RuleDriver(Rule(1, 9, 3, Kind::kAsynchronous, 9));
  while (driver.created() < 17) driver.Create();
  driver.Report(0, 1, 1);
  driver.Report(1, 3, 7);
  driver.Report(2, 3, 5);
  driver.Report(9, 3, 6);
  driver.Report(10, 3, 5);
  driver.Report(11, 3, kInfinity);
  EXPECT_EQ(driver.rule().NextFinalist(driver.view(), 9), std::nullopt);
  EXPECT_THAT(driver.PickFinalist(0), Optional(Pair(2, 1)));
  EXPECT_THAT(driver.PickFinalist(0), Optional(Pair(10, 1)));
  EXPECT_THAT(driver.PickFinalist(0), Optional(Pair(9, 1)));
  EXPECT_THAT(driver.PickFinalist(0), Optional(Pair(1, 1)));
  EXPECT_THAT(driver.PickFinalist(0), Optional(Pair(0, 0)));
  EXPECT_EQ(driver.PickFinalist(0), std::nullopt);
}

// Two whole cycles, one trial after another, promotions first: how many values each rung sees.
TEST(HyperbandTest, FillsTheRungsAsThePaperCounts) {
  for (const Kind kind : {Kind::kAsynchronous, Kind::kSynchronous}) {
    RuleDriver driver(Rule(1, 81, 3, kind), 286);
    const std::vector<int64_t> steps = driver.rule().Rungs();
    const auto run = [&](TrialNumber trial, int64_t rung) {
      for (; rung < 5; ++rung) {
        const double value = static_cast<double>((trial * 37) % 101);
        if (driver.Report(trial, steps[static_cast<size_t>(rung)], value).action != Action::kContinue) return;
      }
    };
    for (;;) {
      if (const auto promotion = driver.Promote()) {
        run(promotion->first, promotion->second + 1);
      } else if (driver.MayCreate()) {
        run(driver.Create(), 0);
      } else {
        break;
      }
    }
    const std::vector<std::vector<int64_t>> expected = {// of the real rungs of each bracket, as in table 1
                                                        {81, 27, 9, 3, 1},
                                                        {34, 11, 3, 1},
                                                        {15, 5, 1},
                                                        {8, 2},
                                                        {5}};
    for (int64_t bracket = 0; bracket < 5; ++bracket) {
      const auto& counts = expected[static_cast<size_t>(bracket)];
      for (int64_t i = 0; i < static_cast<int64_t>(counts.size()); ++i) {
        const int64_t rung = bracket + i;
        const int64_t count = counts[static_cast<size_t>(i)];
        if (kind == Kind::kSynchronous) {
          EXPECT_EQ(driver.ladder().rung(bracket, rung).entries().size(), count) << bracket << "/" << rung;
          EXPECT_EQ(driver.ladder().rung(bracket + 5, rung).entries().size(), count) << bracket << "/" << rung;
        } else {
          EXPECT_GE(driver.ladder().rung(bracket, rung).entries().size(), 2 * count) << bracket << "/" << rung;
        }
      }
    }
  }
}

TEST(HyperbandTest, RefusesOptionsThatAreOff) {
  Hyperband options;
  EXPECT_EQ(HyperbandRule::Create(options).status().message(),
            "early_stopping.max_resource: 0 is below min_resource; want int >= 1");
  options.max_resource = 9;
  options.finalists = -1;
  EXPECT_EQ(HyperbandRule::Create(options).status().message(),
            "early_stopping.finalists: -1 is too small; want int >= 0");
}

}  // namespace
}  // namespace athanor
