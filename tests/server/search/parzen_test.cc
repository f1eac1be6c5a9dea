#include "server/search/parzen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "base/random.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Space;
using testing::Text;

constexpr double kOpen = std::numeric_limits<double>::quiet_NaN();

double Density(const ParzenEstimator& estimator, const Encoding::Point& point) {
  return std::exp(estimator.LogDensity(point));
}

TEST(ParzenEstimatorTest, IsThePriorWithoutPoints) {
  const SearchSpace space = Space({Float("x", 0, 1), Int("n", 1, 4), Choice("c", {Text("a"), Text("b")})});
  const Encoding encoding(space);
  const ParzenEstimator estimator(encoding, {0, 1, 2}, {});
  EXPECT_DOUBLE_EQ(estimator.LogDensity({0.3, 0.125, 1}), 0);
}

// Mean 0.4, s^2 = (2 * 0.2^2 + 1/12) / 3, h = 1.06 s 2^(-1/5).
TEST(ParzenEstimatorTest, SharesWeightsAndBandwidthsAsComputedByHand) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points = {{{0.2}}, {{0.6}}};
  const ParzenEstimator estimator(encoding, {0}, points);
  EXPECT_DOUBLE_EQ(estimator.weight(0), 1.0 / 3);
  EXPECT_DOUBLE_EQ(estimator.weight(1), 1.0 / 3);
  EXPECT_NEAR(estimator.bandwidth(0), 0.2153161726552414, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.0}), 0.8337404105085932, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.4}), 1.2360014166505486, 1e-12);
  EXPECT_NEAR(Density(estimator, {1.0}), 0.44796610878562027, 1e-12);
}

// n = 2.5^2 / (2^2 + 0.5^2).
TEST(ParzenEstimatorTest, CountsWeightsIntoTheBandwidth) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points = {{{0.2}, 2}, {{0.6}, 0.5}};
  const ParzenEstimator estimator(encoding, {0}, points);
  EXPECT_DOUBLE_EQ(estimator.weight(0), 2 / 3.5);
  EXPECT_DOUBLE_EQ(estimator.weight(1), 0.5 / 3.5);
  EXPECT_NEAR(estimator.bandwidth(0), 0.20133725023956875, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.4}), 1.2862498400645361, 1e-12);
}

// One point at the second of four cells: the normal mass over each cell, by its width.
TEST(ParzenEstimatorTest, IntegratesOverTheCellsOfAGrid) {
  const SearchSpace space = Space({Int("n", 1, 4)});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points = {{{0.375}}};
  const ParzenEstimator estimator(encoding, {0}, points);
  EXPECT_NEAR(estimator.bandwidth(0), 0.2163715939458474, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.125}), 1.0022195928760471, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.375}), 1.4127588814875347, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.625}), 1.0022195928760471, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.875}), 0.5828019327603713, 1e-12);
}

// l = 3/4 * 3^(-1/6) / 2; a point's own category has (1 - l) of the prior's 1/4, another l / 3.
TEST(ParzenEstimatorTest, MultipliesNumbersByCategories) {
  const SearchSpace space = Space({Float("x", 0, 1), Choice("c", {Text("a"), Text("b"), Text("c"), Text("d")})});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points = {{{0.1, 0}}, {{0.3, 0}}, {{0.5, 1}}};
  const ParzenEstimator estimator(encoding, {0, 1}, points);
  EXPECT_NEAR(estimator.bandwidth(0), 0.17835819686134952, 1e-12);
  EXPECT_NEAR(estimator.bandwidth(1), 0.3122561916208516, 1e-12);
  EXPECT_NEAR(Density(estimator, {0.3, 0}), 3.1392190887820686, 1e-12);
}

TEST(ParzenEstimatorTest, BandwidthsStopAtTheSmallest) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points(100'000, {{0.5}});
  EXPECT_EQ(ParzenEstimator(encoding, {0}, points).bandwidth(0), ParzenEstimator::kMinBandwidth);
}

// The mean of the relative density over the prior is 1, whatever the types: it is a distribution.
TEST(ParzenEstimatorTest, IntegratesToOne) {
  Parameter layers = Int("layers", 1, 40, Scale::kLog);
  const SearchSpace space = Space({Float("x", 0, 1), layers, Choice("c", {Text("a"), Text("b"), Text("c")})});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points = {{encoding.Encode({0.02, int64_t{1}, Text("a")}), 1},
                                             {encoding.Encode({0.5, int64_t{2}, Text("c")}), 3},
                                             {encoding.Encode({0.7, int64_t{33}, Text("c")}), 1}};
  const ParzenEstimator estimator(encoding, {0, 1, 2}, points);
  constexpr int kSteps = 400;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    for (int64_t k = 0; k < 40; ++k) {
      const Encoding::Cell cell = encoding.CellAt(1, k);
      for (int c = 0; c < 3; ++c) {
        const double density = Density(estimator, {(i + 0.5) / kSteps, cell.centre(), static_cast<double>(c)});
        sum += density * (cell.upper - cell.lower) / kSteps / 3;
      }
    }
  }
  EXPECT_NEAR(sum, 1, 2e-3);  // narrow cells are not integrated exactly
}

TEST(ParzenEstimatorTest, DrawsAsOftenAsItsDensitySays) {
  const SearchSpace space = Space({Int("n", 1, 5), Choice("c", {Text("a"), Text("b"), Text("c")})});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points = {{encoding.Encode({int64_t{1}, Text("a")})},
                                             {encoding.Encode({int64_t{4}, Text("b")}), 2}};
  const ParzenEstimator estimator(encoding, {0, 1}, points);
  constexpr int kDraws = 40'000;
  std::map<std::pair<double, double>, int> drawn;
  Random random(1);
  for (int i = 0; i < kDraws; ++i) {
    Encoding::Point point = {kOpen, kOpen};
    estimator.Sample(random, point);
    ++drawn[{point[0], point[1]}];
  }
  EXPECT_EQ(drawn.size(), 15u);
  for (const auto& [point, count] : drawn) {
    const double expected = Density(estimator, {point.first, point.second}) / 15;
    EXPECT_NEAR(static_cast<double>(count) / kDraws, expected, 5 * std::sqrt(expected / kDraws))
        << point.first << " " << point.second;
  }
}

TEST(ParzenEstimatorTest, DrawsOnlyWhatIsOpenAndStaysInside) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const Encoding encoding(space);
  const std::vector<WeightedPoint> points = {{{0, 1}}, {{1, 0}}};
  const ParzenEstimator estimator(encoding, {0, 1}, points);
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    Encoding::Point point = {0.25, kOpen};
    estimator.Sample(random, point);
    ASSERT_EQ(point[0], 0.25);
    ASSERT_GE(point[1], 0);
    ASSERT_LE(point[1], 1);
  }
}

}  // namespace
}  // namespace athanor
