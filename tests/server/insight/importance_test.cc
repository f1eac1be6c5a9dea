#include "server/insight/importance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "base/random.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Space;
using testing::Text;
using testing::When;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double At(const Configuration& configuration, size_t index) { return std::get<double>(*configuration[index]); }

// Uniform in every parameter, log-uniform on a log scale.
Configuration Draw(const SearchSpace& space, Random& random) {
  Configuration configuration(space.size());
  for (const size_t index : space.topological_order()) {
    if (!space.IsActive(index, configuration)) continue;
    const auto count = space.CountValues(index, SearchSpace::Points::kIgnore);
    configuration[index] = count
                               ? space.ValueAt(index, static_cast<int64_t>(random.Below(static_cast<uint64_t>(*count))),
                                               SearchSpace::Points::kIgnore)
                               : Value(AtFraction(space.parameters()[index], random.Uniform()));
  }
  return configuration;
}

std::vector<ScoredConfiguration> Sample(const SearchSpace& space, int count,
                                        const std::function<double(const Configuration&)>& function) {
  Random random(17);
  std::vector<ScoredConfiguration> trials;
  for (int i = 0; i < count; ++i) {
    Configuration configuration = Draw(space, random);
    const double value = function(configuration);
    trials.push_back({std::move(configuration), value});
  }
  return trials;
}

std::vector<double> Of(const SearchSpace& space, const std::vector<ScoredConfiguration>& trials,
                       ImportanceMethod method) {
  return ParameterImportance(space, trials, method, 1);
}

// 4 x + 2 y + z over [0, 1]: variances 16, 4 and 1 twelfths.
class AdditiveFunction : public ::testing::Test {
 protected:
  const SearchSpace space_ =
      Space({Float("z", 0, 1), Float("x", 1e-4, 1, Scale::kLog), Float("none", 0, 1), Float("y", -1, 1)});
  const std::vector<ScoredConfiguration> trials_ = Sample(space_, 1000, [](const Configuration& c) {
    return 4 * (1 + std::log10(At(c, 1)) / 4) + 2 * (At(c, 3) + 1) / 2 + At(c, 0);
  });
};

TEST_F(AdditiveFunction, FanovaFindsTheSharesOfTheVariance) {
  const std::vector<double> shares = Of(space_, trials_, ImportanceMethod::kFanova);
  EXPECT_NEAR(shares[1], 16.0 / 21, 0.04);
  EXPECT_NEAR(shares[3], 4.0 / 21, 0.04);
  EXPECT_NEAR(shares[0], 1.0 / 21, 0.03);
  EXPECT_LT(shares[2], 0.005);
}

TEST_F(AdditiveFunction, PedAnovaRanksTheParametersByWhatTheyMove) {
  const std::vector<double> shares = Of(space_, trials_, ImportanceMethod::kPedAnova);
  EXPECT_GT(shares[1], 0.5);
  EXPECT_GT(shares[1], shares[3]);
  EXPECT_GT(shares[3], shares[0]);
  EXPECT_LT(shares[2], 0.03);
  EXPECT_NEAR(shares[0] + shares[1] + shares[2] + shares[3], 1, 1e-12);
}

// Two categories of equal frequency, of which the better has exactly the best tenth: p = {1/2, 1/2}, p' = {1, 0}, so
// the divergence is 1. The other parameter is the same everywhere: 0.
TEST(PedAnovaTest, CategoriesGiveTheDivergenceWorkedOutByHand) {
  const SearchSpace space = Space({Choice("a", {Text("x"), Text("y")}), Choice("b", {Number(1)})});
  std::vector<ScoredConfiguration> trials;
  for (int i = 0; i < 40; ++i) trials.push_back({{Text(i % 2 == 0 ? "x" : "y"), Number(1)}, i % 2 * 100.0 + i});
  const std::vector<double> shares = Of(space, trials, ImportanceMethod::kPedAnova);
  EXPECT_NEAR(shares[0], 1, 1e-12);
  EXPECT_NEAR(shares[1], 0, 1e-12);
}

TEST(FanovaTest, CategoriesAndIntsHaveTheirSharesOfTheVariance) {
  const SearchSpace space =
      Space({Choice("kind", {Text("a"), Text("b"), Text("c"), Text("d")}), Int("layers", 1, 4), Float("none", 0, 1)});
  // Variance over the kinds: of {0, 3, 0, 3}, 2.25; over the layers: of {1, 2, 3, 4}, 1.25.
  const auto trials = Sample(space, 800, [](const Configuration& c) {
    const std::string& kind = std::get<std::string>(*c[0]);
    return (kind == "b" || kind == "d" ? 3 : 0) + static_cast<double>(std::get<int64_t>(*c[1]));
  });
  const std::vector<double> shares = Of(space, trials, ImportanceMethod::kFanova);
  EXPECT_NEAR(shares[0], 2.25 / 3.5, 0.04);
  EXPECT_NEAR(shares[1], 1.25 / 3.5, 0.04);
  EXPECT_LT(shares[2], 0.005);
}

TEST(FanovaTest, APureInteractionIsNoParametersOwn) {
  const SearchSpace space = Space({Choice("a", {Number(-1), Number(1)}), Choice("b", {Number(-1), Number(1)})});
  const auto trials = Sample(space, 400, [](const Configuration& c) {
    return static_cast<double>(std::get<int64_t>(*c[0]) * std::get<int64_t>(*c[1]));
  });
  const std::vector<double> shares = Of(space, trials, ImportanceMethod::kFanova);
  EXPECT_LT(shares[0] + shares[1], 0.05);
}

TEST(ImportanceTest, AnInactiveParameterHasAValueOfItsOwn) {
  const SearchSpace space = Space({Choice("optimizer", {Text("sgd"), Text("adam")}), Float("none", 0, 1),
                                   When(Float("momentum", 0, 1), "optimizer", {Text("sgd")})});
  const auto trials = Sample(space, 500, [](const Configuration& c) { return c[2] ? 1 - At(c, 2) : 1.0; });
  for (const auto method : {ImportanceMethod::kPedAnova, ImportanceMethod::kFanova}) {
    const std::vector<double> shares = Of(space, trials, method);
    EXPECT_GT(shares[2], 0.4);
    EXPECT_LT(shares[1], 0.03);
  }
}

TEST(ImportanceTest, ValuesThatAreNotFiniteCountAsBadAndSwampNothing) {
  const SearchSpace space = Space({Float("rate", 0, 1), Float("none", 0, 1)});
  const auto trials = Sample(space, 300, [](const Configuration& c) {
    return At(c, 0) > 0.8 ? (At(c, 0) > 0.9 ? kInfinity : 1e300) : At(c, 0);
  });
  for (const auto method : {ImportanceMethod::kPedAnova, ImportanceMethod::kFanova}) {
    const std::vector<double> shares = Of(space, trials, method);
    EXPECT_GT(shares[0], 0.9);
    EXPECT_LT(shares[1], 0.05);
  }
}

TEST(ImportanceTest, HugeValuesOverflowNowhere) {
  const SearchSpace space = Space({Float("rate", 0, 1), Float("none", 0, 1)});
  const auto trials = Sample(space, 300, [](const Configuration& c) { return (At(c, 0) - 0.5) * 1.7e308; });
  for (const auto method : {ImportanceMethod::kPedAnova, ImportanceMethod::kFanova}) {
    const std::vector<double> shares = Of(space, trials, method);
    EXPECT_GT(shares[0], 0.9);
    EXPECT_LT(shares[1], 0.05);
  }
}

TEST(ImportanceTest, EqualValuesMakeNothingImportant) {
  const SearchSpace space = Space({Float("a", 0, 1), Int("b", 1, 3)});
  const auto trials = Sample(space, 50, [](const Configuration&) { return 2.0; });
  for (const auto method : {ImportanceMethod::kPedAnova, ImportanceMethod::kFanova}) {
    EXPECT_EQ(Of(space, trials, method), (std::vector<double>{0, 0}));
  }
}

TEST(ImportanceTest, IsPureAndTakesAsFewAsFourTrials) {
  const SearchSpace space = Space({Float("a", 0, 1), Float("b", 0, 1)});
  const auto trials = Sample(space, 60, [](const Configuration& c) { return At(c, 0); });
  for (const auto method : {ImportanceMethod::kPedAnova, ImportanceMethod::kFanova}) {
    EXPECT_EQ(Of(space, trials, method), Of(space, trials, method));
    for (const double share : Of(space, {trials.begin(), trials.begin() + 4}, method)) {
      EXPECT_GE(share, 0);
      EXPECT_LE(share, 1);
    }
  }
}

}  // namespace
}  // namespace athanor
