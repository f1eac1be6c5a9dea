#include "server/search/gp_learning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::DoubleNear;
using ::testing::Each;
using testing::Float;
using testing::Int;
using testing::Space;
using testing::Text;
using testing::When;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Best 1, median 2: log(1 + 0), log(1 + 1), log(1 + 3) and again the worst, so 0, L, 2 L, 2 L with L = log 2: mean
// 1.25 L, deviation sqrt(0.6875) L.
TEST(GpLearningTest, ResultsAreStandardisedByTheLogarithmOfTheirDistanceToTheBest) {
  const std::vector<double> results = {1, 2, 4, kInfinity};
  const std::vector<double> standardised = StandardiseResults(results);
  const double deviation = std::sqrt(0.6875);
  ASSERT_EQ(standardised.size(), 4u);
  EXPECT_NEAR(standardised[0], -1.25 / deviation, 1e-12);
  EXPECT_NEAR(standardised[1], -0.25 / deviation, 1e-12);
  EXPECT_NEAR(standardised[2], 0.75 / deviation, 1e-12);
  EXPECT_EQ(standardised[3], standardised[2]);
}

TEST(GpLearningTest, EqualResultsAreZeroAndHugeOnesStayFinite) {
  EXPECT_THAT(StandardiseResults(std::vector<double>{7, 7, 7}), Each(0.0));
  EXPECT_THAT(StandardiseResults(std::vector<double>{3}), Each(0.0));
  const std::vector<std::vector<double>> huge = {
      {-1, -1, -1, 1e300, kInfinity}, {-1e308, 1e308, 1.5e308}, {0, 1e-320, 1e308}, {-1e-320, 0, 1e300}};
  for (const std::vector<double>& results : huge) {
    for (const double value : StandardiseResults(results)) EXPECT_TRUE(std::isfinite(value)) << value;
  }
}

TEST(GpLearningTest, PriorTrialsCountByTheirRankAndAreNoisier) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const Encoding encoding(space);
  const GpFeatures features(encoding);
  const GpObservations observations = {
      .points = {{0.2}, {0.4}}, .values = {1, 2}, .prior = {{0.6}, {0.8}}, .scores = {0, 0.5}, .pending = {}};
  const GaussianProcessData data = LearnFrom(observations, features);
  EXPECT_THAT(data.points, ::testing::ElementsAre(0.2, 0.4, 0.6, 0.8));
  EXPECT_THAT(data.extra_noise, ::testing::ElementsAre(0, 0, kPriorNoise, kPriorNoise));
  EXPECT_THAT(data.values, ::testing::ElementsAre(DoubleNear(-1, 1e-12), DoubleNear(1, 1e-12),
                                                  DoubleNear(-2.053748910631823, 1e-9), DoubleNear(0, 1e-9)));
}

TEST(GpFeaturesTest, CategoriesAreOneApartAndConditionalParametersSayWhetherTheyAreActive) {
  const SearchSpace space = Space({Choice("optimizer", {Text("sgd"), Text("adam"), Text("lamb")}), Int("layers", 1, 2),
                                   When(Float("momentum", 0, 1), "optimizer", {Text("sgd")})});
  const Encoding encoding(space);
  const GpFeatures features(encoding);
  EXPECT_THAT(features.parameter_of(), ::testing::ElementsAre(0, 0, 0, 1, 2, 2));
  EXPECT_FALSE(features.NumberAt(0).has_value());
  EXPECT_EQ(features.NumberAt(2), 4u);
  std::vector<double> points;
  features.Append(encoding.Encode({Text("sgd"), Value(int64_t{1}), Value(0.9)}), points);
  features.Append(encoding.Encode({Text("lamb"), Value(int64_t{2}), std::nullopt}), points);
  const double root = std::sqrt(0.5);
  EXPECT_THAT(points, ::testing::Pointwise(::testing::DoubleEq(),
                                           std::vector<double>{root, 0, 0, 0.25, 0.9, 1, 0, 0, root, 0.75, 0.5, 0}));
}

}  // namespace
}  // namespace athanor
