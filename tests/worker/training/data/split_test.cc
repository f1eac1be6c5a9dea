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

TEST(MakeStratifiedSplit, HoldsOutTheShareOfEachClassWithinOneExample) {
  struct Case {
    std::vector<int64_t> counts;  // of each class
    double fraction;
    std::vector<int64_t> held_out;  // of each class
  };
  const Case cases[] = {
      {{100, 20, 10}, 0.1, {10, 2, 1}},
      {{7, 5, 3}, 0.2, {1, 1, 1}},   // 1.4, 1.0, 0.6: three in all, the third by the larger remainder
      {{3, 0, 3}, 0.01, {1, 0, 0}},  // at least one in all
      {{1, 1}, 0.99, {1, 0}},        // at most all but one
      {{50, 50}, 0.25, {13, 12}},    // 12.5 each: 25 in all
  };
  for (const Case& c : cases) {
    std::vector<int64_t> classes;
    for (size_t i = 0; i < c.counts.size(); ++i) {
      classes.insert(classes.end(), static_cast<size_t>(c.counts[i]), static_cast<int64_t>(i));
    }
    const Split split = MakeStratifiedSplit(classes, c.fraction, 7);
    std::vector<int64_t> held_out(c.counts.size());
    for (const int64_t example : split.validation)
      ++held_out[static_cast<size_t>(classes[static_cast<size_t>(example)])];
    EXPECT_EQ(held_out, c.held_out) << c.fraction;
    EXPECT_TRUE(std::ranges::is_sorted(split.train));
    std::vector<int64_t> all = split.train;
    all.insert(all.end(), split.validation.begin(), split.validation.end());
    EXPECT_EQ(Sorted(all), Range(std::ssize(classes)));
  }
}

TEST(MakeStratifiedSplit, DependsOnTheSeedAlone) {
  std::vector<int64_t> classes(200);
  for (size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<int64_t>(i % 3);
  EXPECT_EQ(MakeStratifiedSplit(classes, 0.2, 1).validation, MakeStratifiedSplit(classes, 0.2, 1).validation);
  EXPECT_NE(MakeStratifiedSplit(classes, 0.2, 1).validation, MakeStratifiedSplit(classes, 0.2, 2).validation);
  EXPECT_THROW(MakeStratifiedSplit(std::vector<int64_t>{0}, 0.5, 0), InfeasibleError);
}

TEST(BalancedEpochOrder, DrawsEveryClassEquallyOften) {
  // 80 examples of class 0, 15 of class 2, 5 of class 3, none of class 1: 100 draws, 33 or 34 of each.
  std::vector<int64_t> classes(80, 0);
  classes.insert(classes.end(), 15, 2);
  classes.insert(classes.end(), 5, 3);
  const std::vector<int64_t> order = BalancedEpochOrder(classes, 1, 0);
  ASSERT_EQ(order.size(), 100);
  std::vector<int64_t> draws(4), of_example(100);
  for (const int64_t example : order) {
    ++draws[static_cast<size_t>(classes[static_cast<size_t>(example)])];
    ++of_example[static_cast<size_t>(example)];
  }
  EXPECT_EQ(Sorted(draws), (std::vector<int64_t>{0, 33, 33, 34}));
  for (size_t i = 0; i < 100; ++i) {
    const int64_t share = draws[static_cast<size_t>(classes[i])];
    const int64_t examples = classes[i] == 0 ? 80 : classes[i] == 2 ? 15 : 5;
    EXPECT_GE(of_example[i], share / examples) << i;
    EXPECT_LE(of_example[i], (share + examples - 1) / examples) << i;
  }
}

TEST(BalancedEpochOrder, DependsOnSeedAndEpochAlone) {
  const std::vector<int64_t> classes = {0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2};
  EXPECT_EQ(BalancedEpochOrder(classes, 3, 1), BalancedEpochOrder(classes, 3, 1));
  EXPECT_NE(BalancedEpochOrder(classes, 3, 1), BalancedEpochOrder(classes, 3, 2));
  EXPECT_NE(BalancedEpochOrder(classes, 3, 1), BalancedEpochOrder(classes, 4, 1));
  // The draws of a class are spread over the epoch, not in a row.
  const std::vector<int64_t> order = BalancedEpochOrder(classes, 3, 1);
  EXPECT_FALSE(std::ranges::is_sorted(order));
}

TEST(EpochOrder, IsAPermutationThatDiffersByEpochAndSeed) {
  const std::vector<int64_t> order = EpochOrder(500, 3, 0);
  EXPECT_EQ(Sorted(order), Range(500));
  EXPECT_EQ(order, EpochOrder(500, 3, 0));
  EXPECT_NE(order, EpochOrder(500, 3, 1));
  EXPECT_NE(order, EpochOrder(500, 4, 0));
}

}  // namespace
}  // namespace athanor::training
