#include "server/core/ladder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "base/random.h"
#include "server/core/history.h"
#include "server/core/orientation.h"

namespace athanor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(OrderStatisticsTest, KnowsRanksWithTiesByTheLowerNumber) {
  OrderStatistics values;
  values.Insert(2, 7);
  values.Insert(1, 9);
  values.Insert(2, 3);
  values.Insert(kInfinity, 1);
  ASSERT_EQ(values.size(), 4);
  EXPECT_EQ(values.At(0), OrderStatistics::Entry(1, 9));
  EXPECT_EQ(values.At(1), OrderStatistics::Entry(2, 3));
  EXPECT_EQ(values.At(2), OrderStatistics::Entry(2, 7));
  EXPECT_EQ(values.CountBelow(2), 1);
  EXPECT_EQ(values.CountBelow(2.5), 3);
  EXPECT_EQ(values.CountBelow(kInfinity), 3);
  EXPECT_EQ(values.Rank(2, 7), 2);
  values.Erase(2, 3);
  values.Erase(5, 5);
  EXPECT_EQ(values.size(), 3);
  EXPECT_EQ(values.Rank(2, 7), 1);
}

TEST(OrderStatisticsTest, CountsAsSortingDoes) {
  Random random(6);
  OrderStatistics values;
  std::vector<double> sorted;
  for (TrialNumber trial = 0; trial < 500; ++trial) {
    const double value = static_cast<double>(random.Below(50));
    values.Insert(value, trial);
    sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), value), value);
    const double probe = static_cast<double>(random.Below(52)) - 1;
    ASSERT_EQ(values.CountBelow(probe), std::lower_bound(sorted.begin(), sorted.end(), probe) - sorted.begin());
  }
  for (size_t rank = 0; rank < sorted.size(); ++rank)
    ASSERT_EQ(values.At(static_cast<int64_t>(rank)).first, sorted[rank]);
}

TEST(OrientationTest, MakesSmallerBetterAndNonFiniteWorst) {
  EXPECT_EQ(Orient(Goal::kMinimize, 2), 2);
  EXPECT_EQ(Orient(Goal::kMaximize, 2), -2);
  for (const Goal goal : {Goal::kMinimize, Goal::kMaximize}) {
    EXPECT_EQ(Orient(goal, std::nan("")), kInfinity);
    EXPECT_EQ(Orient(goal, kInfinity), kInfinity);
    EXPECT_EQ(Orient(goal, -kInfinity), kInfinity);
    EXPECT_EQ(Unorient(goal, Orient(goal, 3)), 3);
  }
  EXPECT_EQ(Unorient(Goal::kMaximize, kInfinity), -kInfinity);
}

TEST(LadderTest, KeepsTheFirstEntryOfATrial) {
  Ladder ladder;
  ladder.Enter({.rung = 0, .trial = 4, .value = 2});
  ladder.Enter({.rung = 0, .trial = 4, .value = 1});
  EXPECT_EQ(ladder.rung(0, 0).entries().size(), 1);
  EXPECT_EQ(ladder.rung(0, 0).ValueOf(4), 2);
}

TEST(LadderTest, ReplacesTheInfiniteEntryOfAFailureOnly) {
  Ladder ladder;
  ladder.Enter({.rung = 0, .trial = 4, .value = kInfinity});
  ladder.Enter({.rung = 0, .trial = 4, .value = 3});
  ladder.Enter({.rung = 0, .trial = 4, .value = kInfinity});
  ASSERT_EQ(ladder.rung(0, 0).entries().size(), 1);
  EXPECT_EQ(ladder.rung(0, 0).entries().At(0), OrderStatistics::Entry(3, 4));
  EXPECT_EQ(ladder.rung(0, 0).ValueOf(4), 3);
}

TEST(LadderTest, RemembersTheAttemptOfTheEntryThatStands) {
  Ladder ladder;
  EXPECT_EQ(ladder.rung(0, 0).EntryOf(4), nullptr);
  ladder.Enter({.rung = 0, .trial = 4, .value = kInfinity, .token = 7});
  ladder.Enter({.rung = 0, .trial = 4, .value = 3, .token = 8});
  ladder.Enter({.rung = 0, .trial = 4, .value = 2, .token = 9});
  ASSERT_NE(ladder.rung(0, 0).EntryOf(4), nullptr);
  EXPECT_EQ(ladder.rung(0, 0).EntryOf(4)->value, 3);
  EXPECT_EQ(ladder.rung(0, 0).EntryOf(4)->token, 8);
}

TEST(LadderTest, KnowsWhoWaitsAndTheHighestRung) {
  Ladder ladder;
  EXPECT_EQ(ladder.HighestRung(1), -1);
  ladder.Enter({.rung = 0, .trial = 1, .value = 5});
  ladder.Enter({.rung = 2, .trial = 1, .value = 6});
  ladder.Enter({.rung = 0, .trial = 2, .value = 4});
  EXPECT_EQ(ladder.HighestRung(1), 2);
  ladder.Wait(0, 0, 1);
  ladder.Wait(0, 0, 2);
  ladder.Wait(0, 0, 3);  // never entered
  ladder.Wait(0, 7, 1);  // no such rung
  ASSERT_EQ(ladder.rung(0, 0).waiting().size(), 2);
  EXPECT_EQ(ladder.rung(0, 0).waiting().At(0), OrderStatistics::Entry(4, 2));
  ladder.StopWaiting(0, 0, 2);
  ladder.StopWaiting(0, 0, 3);
  ladder.StopWaiting(0, 7, 1);
  EXPECT_EQ(ladder.rung(0, 0).waiting().size(), 1);
  EXPECT_EQ(ladder.rung(0, 0).entries().size(), 2);
}

TEST(LadderTest, StopsAllWaitingAtOnceAndKeepsTheEntries) {
  Ladder ladder;
  for (int64_t bracket = 0; bracket < 2; ++bracket) {
    for (int64_t rung = 0; rung < 2; ++rung) {
      ladder.Enter({.bracket = bracket, .rung = rung, .trial = bracket, .value = 5});
      ladder.Wait(bracket, rung, bracket);
    }
  }
  ladder.StopAllWaiting();
  ladder.StopWaiting(1, 1, 1);
  for (int64_t bracket = 0; bracket < 2; ++bracket) {
    for (int64_t rung = 0; rung < 2; ++rung) {
      EXPECT_TRUE(ladder.rung(bracket, rung).waiting().empty());
      EXPECT_EQ(ladder.rung(bracket, rung).ValueOf(bracket), 5);
    }
  }
  ladder.Wait(0, 1, 0);  // a retry, or a budget that was raised
  EXPECT_EQ(ladder.rung(0, 1).waiting().size(), 1);
}

TEST(LadderTest, KeepsBracketsApartAndReadsWithoutCreating) {
  Ladder ladder;
  ladder.Enter({.bracket = 1, .rung = 0, .trial = 1, .value = 5});
  EXPECT_TRUE(ladder.rung(0, 0).entries().empty());
  EXPECT_EQ(ladder.rung(1, 0).entries().size(), 1);
  EXPECT_EQ(ladder.rung(0, 0).ValueOf(1), std::nullopt);
}

TEST(LadderTest, KnowsWhoIsUnderWayBelowARung) {
  Ladder ladder;
  for (TrialNumber trial = 0; trial < 4; ++trial) ladder.Join(2, trial, 0);
  ladder.Join(1, 4, 0);
  EXPECT_EQ(ladder.brackets(), 3);
  EXPECT_EQ(ladder.UnderWayBelow(2, 0), 4);
  ladder.Enter({.bracket = 2, .rung = 0, .trial = 0, .value = 1});
  ladder.Enter({.bracket = 2, .rung = 0, .trial = 1, .value = 1});
  ladder.Stop(1);
  ladder.Stop(2);
  ladder.Stop(2);
  EXPECT_EQ(ladder.UnderWayBelow(2, 0), 1);  // 3
  EXPECT_EQ(ladder.UnderWayBelow(2, 1), 2);  // 3 and 0
  ladder.Start(1);
  ladder.Start(1);
  EXPECT_EQ(ladder.UnderWayBelow(2, 1), 3);
  ladder.Enter({.bracket = 2, .rung = 1, .trial = 1, .value = 1});
  EXPECT_EQ(ladder.UnderWayBelow(2, 1), 2);
  EXPECT_EQ(ladder.UnderWayBelow(1, 9), 1);
  EXPECT_EQ(ladder.UnderWayBelow(0, 9), 0);
  ladder.Start(77);  // never joined
  EXPECT_EQ(ladder.UnderWayBelow(0, 9), 0);
}

TEST(LadderTest, PairsTheValuesOfTrialsThatPassARung) {
  Ladder ladder;
  ladder.Join(0, 0, 0);
  ladder.Join(0, 1, 1);
  ladder.Join(0, 2, 2);
  EXPECT_EQ(ladder.rung(0, 0).passing(), 2);
  EXPECT_EQ(ladder.rung(0, 1).passing(), 1);
  EXPECT_EQ(ladder.rung(0, 2).passing(), 0);
  for (int64_t rung = 0; rung < 3; ++rung) {
    for (TrialNumber trial = 0; trial < 3; ++trial) {
      ladder.Enter({.rung = rung, .trial = trial, .value = static_cast<double>(10 * rung + trial)});
    }
  }
  using Pairs = std::map<TrialNumber, RungPair>;
  EXPECT_EQ(ladder.rung(0, 0).unselected(), (Pairs{{1, {1, 11}}, {2, {2, 12}}}));
  EXPECT_EQ(ladder.rung(0, 1).unselected(), (Pairs{{2, {12, 22}}}));  // 1 was promoted from there
  EXPECT_TRUE(ladder.rung(0, 2).unselected().empty());
}

TEST(LadderTest, CorrectsAPairWhoseFailureWasRetried) {
  Ladder ladder;
  ladder.Join(0, 5, 1);
  ladder.Enter({.rung = 0, .trial = 5, .value = kInfinity});
  ladder.Enter({.rung = 1, .trial = 5, .value = kInfinity});
  ladder.Enter({.rung = 0, .trial = 5, .value = 3});
  EXPECT_EQ(ladder.rung(0, 0).unselected().at(5), RungPair(3, kInfinity));
  ladder.Enter({.rung = 1, .trial = 5, .value = 4});
  EXPECT_EQ(ladder.rung(0, 0).unselected().at(5), RungPair(3, 4));
}

TEST(LadderTest, KeepsTheNewestPairsInWhateverOrderTheyCome) {
  Ladder up;
  Ladder down;
  for (TrialNumber trial = 0; trial < 250; ++trial) {
    for (Ladder* const ladder : {&up, &down}) {
      const TrialNumber number = ladder == &up ? trial : 249 - trial;
      ladder->Join(0, number, 1);
      for (const int64_t rung : {0, 1}) ladder->Enter({.rung = rung, .trial = number, .value = number * 0.5});
    }
  }
  EXPECT_EQ(up.rung(0, 0).unselected().size(), Rung::kMaxPairs);
  EXPECT_EQ(up.rung(0, 0).unselected().begin()->first, 150);
  EXPECT_EQ(up.rung(0, 0).unselected(), down.rung(0, 0).unselected());
}

TEST(CompletedHistoryTest, KeepsValuesByStepAndLeavesNanOut) {
  CompletedHistory history;
  const std::pair<int64_t, double> first[] = {{1, 3.0}, {2, std::nan("")}, {4, kInfinity}};
  const std::pair<int64_t, double> second[] = {{1, 2.0}};
  history.Add(0, first);
  history.Add(1, second);
  history.Add(2, {});
  EXPECT_EQ(history.trials(), 3);
  ASSERT_EQ(history.At(1).size(), 2);
  EXPECT_EQ(history.At(1).At(0), OrderStatistics::Entry(2, 1));
  EXPECT_TRUE(history.At(2).empty());
  EXPECT_TRUE(history.At(3).empty());
  EXPECT_EQ(history.At(4).size(), 1);
}

TEST(LadderTest, OpensTheRungPastTheHighestUnlessAFailureStandsThere) {
  Ladder ladder;
  EXPECT_EQ(ladder.FirstOpenRung(5), 0);
  ladder.Enter({.rung = 0, .trial = 5, .value = 2});
  EXPECT_EQ(ladder.FirstOpenRung(5), 1);
  ladder.Enter({.rung = 1, .trial = 5, .value = kInfinity});
  EXPECT_EQ(ladder.FirstOpenRung(5), 1);
  ladder.Enter({.rung = 1, .trial = 5, .value = 7});
  EXPECT_EQ(ladder.FirstOpenRung(5), 2);
}

}  // namespace
}  // namespace athanor
