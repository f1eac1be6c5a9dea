#include "worker/training/data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::vector<int64_t> Sorted(std::vector<int64_t> values) {
  std::ranges::sort(values);
  return values;
}

std::vector<int64_t> Range(int64_t count) {
  std::vector<int64_t> range(static_cast<size_t>(count));
  std::iota(range.begin(), range.end(), 0);
  return range;
}

TEST(MakeSplit, HoldsOutTheRoundedShareAndAtLeastOneOnEachSide) {
  struct Case {
    int64_t count;
    double fraction;
    size_t validation;
  };
  for (const Case& c :
       {Case{60000, 0.1, 6000}, Case{15, 0.1, 2}, Case{14, 0.1, 1}, Case{3, 0.01, 1}, Case{3, 0.99, 2}}) {
    EXPECT_EQ(MakeSplit(c.count, c.fraction, 0).validation.size(), c.validation) << c.count << " " << c.fraction;
  }
}

TEST(MakeSplit, PutsEveryExampleOnOneSide) {
  const Split split = MakeSplit(1000, 0.25, 7);
  EXPECT_TRUE(std::ranges::is_sorted(split.train));
  EXPECT_TRUE(std::ranges::is_sorted(split.validation));
  std::vector<int64_t> all = split.train;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  EXPECT_EQ(Sorted(all), Range(1000));
}

TEST(MakeSplit, DependsOnTheSeedAlone) {
  EXPECT_EQ(MakeSplit(1000, 0.25, 7).validation, MakeSplit(1000, 0.25, 7).validation);
  EXPECT_NE(MakeSplit(1000, 0.25, 7).validation, MakeSplit(1000, 0.25, 8).validation);
}

TEST(MakeSplit, RefusesASingleExample) { EXPECT_THROW(MakeSplit(1, 0.5, 0), InfeasibleError); }

TEST(EpochOrder, IsAPermutationThatDiffersByEpochAndSeed) {
  const std::vector<int64_t> order = EpochOrder(500, 3, 0);
  EXPECT_EQ(Sorted(order), Range(500));
  EXPECT_EQ(order, EpochOrder(500, 3, 0));
  EXPECT_NE(order, EpochOrder(500, 3, 1));
  EXPECT_NE(order, EpochOrder(500, 4, 0));
}

}  // namespace
}  // namespace athanor::training
