#include "server/search/gp_learning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::DoubleNear;
using testing::Float;
using testing::Int;
using testing::Space;
using testing::Text;
using testing::When;

TEST(GpLearningTest, PriorTrialsCountByTheirRankAndAreNoisier) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const Encoding encoding(space);
  const GpFeatures features(encoding);
  const GpObservations observations = {
      .points = {{0.2}, {0.4}}, .values = {1, 2}, .prior = {{0.6}, {0.8}}, .scores = {0, 0.5}, .pending = {}};
  const GaussianProcessData data = LearnFrom(observations, features, ResultScale::kDistances);
  EXPECT_THAT(data.points, ::testing::ElementsAre(0.2, 0.4, 0.6, 0.8));
  EXPECT_THAT(data.extra_noise, ::testing::ElementsAre(0, 0, kPriorNoise, kPriorNoise));
  EXPECT_THAT(data.values, ::testing::ElementsAre(DoubleNear(-1, 1e-12), DoubleNear(1, 1e-12),
                                                  DoubleNear(-2.053748910631823, 1e-9), DoubleNear(0, 1e-9)));
}

using Point = Encoding::Point;
const std::vector<ResultScale> kBoth = {ResultScale::kDistances, ResultScale::kRanks};

// How far the model of `function`, seen at 60 random places of three dimensions, is from the results on a scale; root
// mean square.
struct Misfit {
  double distances = 0;
  double ranks = 0;
};
Misfit FitTo(const std::function<double(const Point&)>& function, const std::vector<ResultScale>& scales) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1), Float("z", 0, 1)});
  const Encoding encoding(space);
  Random random(5);
  std::vector<std::pair<double, Point>> seen;
  for (int i = 0; i < 60; ++i) {
    Point point = {random.Uniform(), random.Uniform(), random.Uniform()};
    const double value = function(point);
    seen.emplace_back(value, std::move(point));
  }
  std::ranges::sort(seen);
  GpObservations observations;
  for (const auto& [value, point] : seen) {
    observations.values.push_back(value);
    observations.points.push_back(point);
  }
  const std::vector<double> fitted = FitModel(observations, GpFeatures(encoding), scales).FittedMeans();
  const auto misfit = [&](ResultScale scale) {
    const std::vector<double> results = StandardiseResults(observations.values, scale);
    double squares = 0;
    for (size_t i = 0; i < fitted.size(); ++i) squares += (fitted[i] - results[i]) * (fitted[i] - results[i]);
    return std::sqrt(squares / static_cast<double>(fitted.size()));
  };
  return {.distances = misfit(ResultScale::kDistances), .ranks = misfit(ResultScale::kRanks)};
}

TEST(GpLearningTest, AValleyIsSeenByDistances) {
  const Misfit misfit = FitTo([](const Point& x) { return std::hypot(x[0] - 0.3, x[1] - 0.6, x[2] - 0.2); }, kBoth);
  EXPECT_LT(misfit.distances, 0.5 * misfit.ranks);
}

// Losses as of a classifier that hardly learns at most rates and diverges at the high ones.
double PlateauBesideDivergence(const Point& x) {
  if (x[0] > 0.6) return std::exp(100 * (x[0] - 0.6) * (1 + std::sin(40 * x[1])));
  return 0.7 - 0.01 * x[0] - 0.02 * x[2];
}

TEST(GpLearningTest, APlateauBesideDivergenceIsSeenByRanksIfTheyAreAScaleToChoose) {
  const Misfit chosen = FitTo(PlateauBesideDivergence, kBoth);
  EXPECT_LT(chosen.ranks, 0.5 * chosen.distances);
  const Misfit given = FitTo(PlateauBesideDivergence, {ResultScale::kDistances});
  EXPECT_LT(given.distances, 0.5 * given.ranks);
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
