#include "server/simulate/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

namespace athanor {
namespace {

SimulationResult Result(std::vector<std::optional<double>> reached, std::vector<Improvement> improvements = {}) {
  SimulationResult result;
  result.reached = std::move(reached);
  result.improvements = std::move(improvements);
  result.end = 10;
  result.steps = 40;
  result.trials = 5;
  result.idle = 5;
  return result;
}

TEST(ComparisonTest, WhatWasNotReachedCountsAsTheCutOff) {
  const Cell cell{0, 0, 2, {Result({2.0, 7.0}), Result({3.0, std::nullopt})}};
  EXPECT_EQ(TimesTo(cell, 0, 100), (std::vector<double>{2, 3}));
  EXPECT_EQ(TimesTo(cell, 1, 100), (std::vector<double>{7, 100}));
}

TEST(ComparisonTest, SpeedUpIsTheRatioOfMeanTimes) {
  const std::vector<double> before = {2, 4};
  const std::vector<double> after = {1, 1};
  const SpeedUp speed_up = Compare(before, after);
  EXPECT_DOUBLE_EQ(speed_up.ratio, 3);
  // The mean of two draws from {2, 4} is 2, 3 or 4, each end with probability 1/4.
  EXPECT_DOUBLE_EQ(speed_up.low, 2);
  EXPECT_DOUBLE_EQ(speed_up.high, 4);
}

TEST(ComparisonTest, SpeedUpOfSeveralTasksIsTheGeometricMean) {
  const std::vector<double> before[] = {{2, 4}, {6}};
  const std::vector<double> after[] = {{1, 1}, {12}};
  const SpeedUp speed_up = CompareAll(before, after);
  EXPECT_DOUBLE_EQ(speed_up.ratio, std::sqrt(3 * 0.5));
  EXPECT_DOUBLE_EQ(speed_up.low, 1);
  EXPECT_DOUBLE_EQ(speed_up.high, std::sqrt(4 * 0.5));
}

TEST(ComparisonTest, RegretIsOfTheLastImprovement) {
  const SimulationResult result = Result({}, {{0.5, 4, 1, 9}, {2, 16, 3, 7}});
  EXPECT_EQ(RegretAt(result, 5, Axis::kTime, 0.4), std::nullopt);
  EXPECT_EQ(RegretAt(result, 5, Axis::kTime, 0.5), 4);
  EXPECT_EQ(RegretAt(result, 5, Axis::kTime, 1.9), 4);
  EXPECT_EQ(RegretAt(result, 5, Axis::kTime, 50), 2);
  EXPECT_EQ(RegretAt(result, 5, Axis::kSteps, 15), 4);
  EXPECT_EQ(RegretAt(result, 5, Axis::kSteps, 16), 2);
  EXPECT_EQ(RegretAt(result, 5, Axis::kTrials, 2), 4);
}

TEST(ComparisonTest, RegretIsLookedAtUpToTheEnd) {
  const SimulationResult results[] = {Result({})};
  EXPECT_EQ(RegretGrid(results, Axis::kTrials), (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(RegretGrid(results, Axis::kTime),
            (std::vector<double>{0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 10}));
}

TEST(ComparisonTest, TotalsAreMeansOverSeeds) {
  const Cell cell{0, 0, 2, {Result({}, {{1, 1, 1, 8}}), Result({}, {{1, 1, 1, 6}})}};
  const CellTotals totals = TotalsOf(cell, 5);
  EXPECT_DOUBLE_EQ(totals.regret, 2);
  EXPECT_DOUBLE_EQ(totals.idle_share, 0.25);
  EXPECT_DOUBLE_EQ(totals.steps, 40);
  const Cell without{0, 0, 2, {Result({}), Result({}, {{1, 1, 1, 6}})}};
  EXPECT_TRUE(std::isinf(TotalsOf(without, 5).regret));
}

}  // namespace
}  // namespace athanor
