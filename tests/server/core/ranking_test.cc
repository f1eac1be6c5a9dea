#include "server/core/ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/random.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<OrderStatistics::Entry> EntriesOf(const Ranking& ranking) {
  const OrderStatistics& entries = ranking.entries();
  return {entries.begin(), entries.end()};
}

TEST(RankingTest, OrdersByValueThenByTrial) {
  Ranking ranking;
  EXPECT_THAT(EntriesOf(ranking), IsEmpty());
  ranking.Insert(0.5, 7);
  ranking.Insert(0.25, 9);
  ranking.Insert(0.5, 3);
  EXPECT_THAT(EntriesOf(ranking), ElementsAre(Pair(0.25, 9), Pair(0.5, 3), Pair(0.5, 7)));
}

TEST(RankingTest, TakesTheLastOfChangesToOneEntry) {
  Ranking ranking;
  ranking.Insert(1, 1);
  ranking.Erase(1, 1);
  ranking.Erase(2, 2);
  ranking.Insert(2, 2);
  ranking.Insert(2, 2);
  EXPECT_THAT(EntriesOf(ranking), ElementsAre(Pair(2, 2)));
  ranking.Erase(2, 2);
  ranking.Insert(2, 2);
  ranking.Erase(2, 2);
  EXPECT_THAT(EntriesOf(ranking), IsEmpty());
}

// Looks after few changes, after many, and after so many that they are made before anybody looks.
TEST(RankingTest, IsTheSameHoweverOftenOneLooks) {
  for (const uint64_t between_looks : {1, 100, 1'000, 1'500, 20'000}) {
    Random random({between_looks});
    Ranking ranking;
    std::set<OrderStatistics::Entry> expected;
    for (uint64_t i = 1; i <= 40'000; ++i) {
      // Few values and trials, so that entries come, go and come again.
      const OrderStatistics::Entry entry(static_cast<double>(random.Below(50)),
                                         static_cast<TrialNumber>(random.Below(100)));
      if (random.Below(3) == 0) {
        ranking.Erase(entry.first, entry.second);
        expected.erase(entry);
      } else {
        ranking.Insert(entry.first, entry.second);
        expected.insert(entry);
      }
      if (i % between_looks != 0) continue;
      ASSERT_EQ(ranking.entries().size(), static_cast<int64_t>(expected.size())) << i;
      if (i % 500 == 0) {
        ASSERT_EQ(EntriesOf(ranking), (std::vector<OrderStatistics::Entry>(expected.begin(), expected.end()))) << i;
      }
    }
    ASSERT_EQ(EntriesOf(ranking), (std::vector<OrderStatistics::Entry>(expected.begin(), expected.end())));
  }
}

TEST(RankingTest, KnowsRanksOfWhatCameTogether) {
  Ranking ranking;
  for (TrialNumber trial = 0; trial < 5'000; ++trial) ranking.Insert(static_cast<double>(trial * 7'919 % 5'000), trial);
  const OrderStatistics& entries = ranking.entries();
  ASSERT_EQ(entries.size(), 5'000);
  for (const int64_t rank : {0, 1, 255, 256, 257, 2'500, 4'998, 4'999}) {
    EXPECT_EQ(entries.At(rank).first, static_cast<double>(rank));
    EXPECT_EQ(entries.CountBelow(static_cast<double>(rank)), rank);
  }
}

}  // namespace
}  // namespace athanor
