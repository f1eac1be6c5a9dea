#include "server/core/order_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"

namespace athanor {
namespace {

using Entry = OrderStatistics::Entry;

// What the set must be, kept as simply as possible.
class Twin {
 public:
  void Insert(const Entry& entry) {
    values.Insert(entry.first, entry.second);
    expected.insert(entry);
  }
  void Erase(const Entry& entry) {
    values.Erase(entry.first, entry.second);
    expected.erase(entry);
  }
  void Compare(const Entry& probe) const {
    ASSERT_EQ(values.size(), static_cast<int64_t>(expected.size()));
    ASSERT_TRUE(std::equal(values.begin(), values.end(), expected.begin(), expected.end()));
    int64_t rank = 0;
    for (const Entry& entry : expected) {
      ASSERT_EQ(values.At(rank), entry);
      ASSERT_EQ(values.Rank(entry.first, entry.second), rank++);
    }
    ASSERT_EQ(values.Rank(probe.first, probe.second), std::distance(expected.begin(), expected.lower_bound(probe)));
    ASSERT_EQ(values.CountBelow(probe.first), std::distance(expected.begin(), expected.lower_bound({probe.first, -1})));
  }

  OrderStatistics values;
  std::set<Entry> expected;
};

// Grows and shrinks through many blocks, with few or many different values.
TEST(OrderStatisticsTest, IsTheSameAsASortedSetThroughGrowthAndDecline) {
  for (const uint64_t different : {20u, 1'000'000u}) {
    Random random(different);
    Twin twin;
    const auto draw = [&] {
      return Entry(static_cast<double>(random.Below(different)), static_cast<TrialNumber>(random.Below(5000)));
    };
    for (int i = 0; i < 8000; ++i) {
      const bool grows = i < 5000;
      if (random.Below(4) < (grows ? 3u : 1u)) {
        twin.Insert(draw());
      } else {
        const auto found = twin.expected.lower_bound(draw());
        twin.Erase(found == twin.expected.end() ? draw() : *found);
      }
      if (i % 250 == 0) {
        ASSERT_NO_FATAL_FAILURE(twin.Compare(draw()));
      }
    }
    while (!twin.expected.empty()) {
      twin.Erase(*twin.expected.begin());
      if (twin.expected.size() % 250 == 0) {
        ASSERT_NO_FATAL_FAILURE(twin.Compare(draw()));
      }
    }
    EXPECT_TRUE(twin.values.empty());
    EXPECT_EQ(twin.values.begin(), twin.values.end());
  }
}

TEST(OrderStatisticsTest, KnowsRanksOfEntriesThatCameInOrder) {
  OrderStatistics ascending, descending;
  for (TrialNumber trial = 0; trial < 2000; ++trial) {
    ascending.Insert(static_cast<double>(trial), trial);
    descending.Insert(static_cast<double>(-trial), trial);
  }
  for (int64_t rank = 0; rank < 2000; ++rank) {
    ASSERT_EQ(ascending.At(rank), Entry(static_cast<double>(rank), rank));
    ASSERT_EQ(descending.At(rank), Entry(static_cast<double>(rank - 1999), 1999 - rank));
  }
}

TEST(OrderStatisticsTest, KeepsAnEntryThatComesTwiceOnce) {
  OrderStatistics values;
  for (int repeat = 0; repeat < 2; ++repeat) {
    for (TrialNumber trial = 0; trial < 600; ++trial) values.Insert(1, trial);
  }
  EXPECT_EQ(values.size(), 600);
  EXPECT_EQ(values.CountBelow(1), 0);
  EXPECT_EQ(values.CountBelow(2), 600);
}

}  // namespace
}  // namespace athanor
