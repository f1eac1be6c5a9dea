#include "server/search/cmaes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "server/search/normal.h"
#include "tests/server/core/spaces.h"
#include "tests/server/search/studies.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Space;
using testing::StudyUnderSearch;
using testing::When;

TEST(NormalTest, QuantileInvertsTheDistribution) {
  EXPECT_DOUBLE_EQ(NormalQuantile(0.5), 0);
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(NormalQuantile(1e-10), -6.361340902404056, 1e-11);
  for (const double p : {1e-12, 1e-6, 0.02, 0.03, 0.4, 0.9, 0.999}) {
    EXPECT_NEAR(NormalBelow(NormalQuantile(p)) / p, 1, 1e-11) << p;
  }
  EXPECT_NEAR(NormalBetween(-1, 1), 0.6826894921370859, 1e-15);
}

// ---- The distribution ----

TEST(CmaesStateTest, HasThePopulationOfTheTutorial) {
  const struct {
    int dimensions;
    size_t population;
  } cases[] = {{1, 4}, {2, 6}, {5, 8}, {10, 10}, {40, 15}};
  for (const auto& [dimensions, population] : cases) {
    std::vector<Parameter> parameters;
    for (int i = 0; i < dimensions; ++i) parameters.push_back(Float("x" + std::to_string(i), 0, 1));
    const SearchSpace space = Space(std::move(parameters));
    const Encoding encoding(space);
    EXPECT_EQ(CmaesState(encoding, Encoding::Point(space.size(), 0.5)).population(), population);
  }
}

// d = 2, population 6: weights ln 3.5 - ln i over 3, normalised; all points at distance sigma along x, so that nothing
// is pulled in.
TEST(CmaesStateTest, MovesAsComputedByHand) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const Encoding encoding(space);
  CmaesState state(encoding, {0.5, 0.5});
  const std::vector<TriedPoint> generation = {{{0.75, 0.5}, 1}, {{0.5, 0.75}, 2}, {{0.25, 0.5}, 3},
                                              {{0.5, 0.25}, 4}, {{0.5, 0.25}, 5}, {{0.5, 0.25}, 6}};
  state.Update(generation);
  const double sum = 3 * std::log(3.5) - std::log(6);
  const double w[] = {std::log(3.5) / sum, (std::log(3.5) - std::log(2)) / sum, (std::log(3.5) - std::log(3)) / sum};
  const double step_x = w[0] - w[2], step_y = w[1];  // in units of sigma
  EXPECT_NEAR(state.mean()[0], 0.5 + 0.25 * step_x, 1e-14);
  EXPECT_NEAR(state.mean()[1], 0.5 + 0.25 * step_y, 1e-14);

  const double mu_eff = 1 / (w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
  const double c_sigma = (mu_eff + 2) / (7 + mu_eff);
  const double d_sigma = 1 + 2 * std::max(0.0, std::sqrt((mu_eff - 1) / 3) - 1) + c_sigma;
  const double chi = std::sqrt(2) * (1 - 1.0 / 8 + 1.0 / 84);
  const double path = std::sqrt(c_sigma * (2 - c_sigma) * mu_eff) * std::hypot(step_x, step_y);
  EXPECT_NEAR(state.step_size(), 0.25 * std::exp(c_sigma / d_sigma * (path / chi - 1)), 1e-14);

  const double c_c = (4 + mu_eff / 2) / (6 + mu_eff);
  const double c_1 = 2 / (3.3 * 3.3 + mu_eff);
  const double c_mu = std::min(1 - c_1, 2 * (mu_eff - 2 + 1 / mu_eff) / (16 + mu_eff));
  const double pulled = c_c * (2 - c_c) * mu_eff;  // p_c p_c^T = pulled * step step^T
  EXPECT_NEAR(state.covariance(0, 0), 1 - c_1 - c_mu + c_1 * pulled * step_x * step_x + c_mu * (w[0] + w[2]), 1e-14);
  EXPECT_NEAR(state.covariance(0, 1), c_1 * pulled * step_x * step_y, 1e-14);
  EXPECT_NEAR(state.covariance(1, 1), 1 - c_1 - c_mu + c_1 * pulled * step_y * step_y + c_mu * w[1], 1e-14);
}

TEST(CmaesStateTest, StaysWhereItIsWhileNothingIsFinite) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const Encoding encoding(space);
  CmaesState state(encoding, {0.5});
  state.Update(std::vector<TriedPoint>(4, {{0.9}, std::numeric_limits<double>::infinity()}));
  EXPECT_EQ(state.mean()[0], 0.5);
  EXPECT_EQ(state.step_size(), CmaesState::kFirstStep);
}

// However far the distribution has shrunk into a cell, alpha = 1 / (d * population) of it is beyond.
TEST(CmaesStateTest, KeepsAMarginOnGrids) {
  const SearchSpace space = Space({Int("middle", 1, 3), Int("end", 1, 3), Float("x", 0, 1)});
  const Encoding encoding(space);
  CmaesState state(encoding, {0.5, 0.5, 0.5});
  Random random(1);
  double value = 0;
  for (int generation = 0; generation < 60; ++generation) {
    std::vector<TriedPoint> tried;
    for (size_t i = 0; i < state.population(); ++i) tried.push_back({{0.5, 1.0 / 6, random.Uniform()}, --value});
    state.Update(tried);
    const double alpha = 1 / (3 * static_cast<double>(state.population()));
    const double below = NormalBelow((1.0 / 3 - state.mean()[0]) / state.Deviation(0));
    const double above = NormalBelow((state.mean()[0] - 2.0 / 3) / state.Deviation(0));
    ASSERT_GE(below, alpha / 2 * (1 - 1e-9));
    ASSERT_GE(above, alpha / 2 * (1 - 1e-9));
    if (generation > 30) {
      ASSERT_GE(NormalBelow((state.mean()[1] - 1.0 / 3) / state.Deviation(1)), alpha * (1 - 1e-9));
    }
  }
}

TEST(CmaesStateTest, RestartsWithTwiceThePopulationWhenItIsStuck) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const Encoding encoding(space);
  CmaesState state(encoding, {0.5, 0.5});
  Random random(3);
  int generations = 0;
  while (state.population() == 6 && generations < 100) {
    std::vector<TriedPoint> tried;
    for (int i = 0; i < 6; ++i) tried.push_back({state.Sample(random), 1});
    state.Update(tried);
    ++generations;
  }
  EXPECT_EQ(generations, 22);  // the first finds the best, and 10 + 30 * 2 / 6 = 20 may pass without a better one
  EXPECT_EQ(state.population(), 12u);
  EXPECT_EQ(state.step_size(), CmaesState::kFirstStep);
}

TEST(CmaesStateTest, SamplesStayInsideTheCube) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const Encoding encoding(space);
  const CmaesState state(encoding, {0, 1});
  Random random(4);
  for (int i = 0; i < 1'000; ++i) {
    const Encoding::Point point = state.Sample(random);
    ASSERT_TRUE(point[0] >= 0 && point[0] <= 1 && point[1] >= 0 && point[1] <= 1);
  }
}

// ---- The method ----

// The best value of `trials` trials by CMA-ES.
double Minimize(const SearchSpace& space, uint64_t seed, int trials,
                const std::function<double(const Configuration&)>& value) {
  const auto search = CmaesSearch::Create(space, seed).value();
  StudyUnderSearch study;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < trials; ++i) {
    const Configuration suggested = search->Suggest(study.View(), i, {});
    best = std::min(best, value(suggested));
    study.AddCompleted(suggested, value(suggested));
  }
  return best;
}

TEST(CmaesSearchTest, FollowsACurvedValley) {
  const SearchSpace space = Space({Float("x", -2, 2), Float("y", -2, 2)});
  const auto rosenbrock = [](const Configuration& c) {
    const double x = std::get<double>(*c[0]), y = std::get<double>(*c[1]);
    return 100 * std::pow(y - x * x, 2) + std::pow(1 - x, 2);
  };
  EXPECT_LT(Minimize(space, 1, 1'000, rosenbrock), 1e-6);
}

TEST(CmaesSearchTest, FindsTheBestIntegersAndTheFloatBetweenThem) {
  const SearchSpace space = Space({Int("n", 1, 100), Int("width", 1, 1024, Scale::kLog), Float("x", -5, 5)});
  const auto value = [](const Configuration& c) {
    return std::abs(static_cast<double>(std::get<int64_t>(*c[0])) - 73) +
           std::abs(std::log2(static_cast<double>(std::get<int64_t>(*c[1]))) - 5) +
           std::abs(std::get<double>(*c[2]) - 1);
  };
  EXPECT_LT(Minimize(space, 1, 800, value), 1e-3);
}

TEST(CmaesSearchTest, ForgettingStatesChangesNothing) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const auto once = CmaesSearch::Create(space, 1).value();
  StudyUnderSearch study;
  for (int i = 0; i < 200; ++i) {
    const Configuration suggested = once->Suggest(study.View(), i, {});
    EXPECT_EQ(CmaesSearch::Create(space, 1).value()->Suggest(study.View(), i, {}), suggested);
    // Every seventh is still running.
    if (i % 7 == 0) {
      study.Add(suggested, TrialState::kRunning);
    } else {
      study.AddCompleted(suggested, std::abs(std::get<double>(*suggested[0]) - 0.3));
    }
  }
}

TEST(CmaesSearchTest, TakesInATrialThatEndsLate) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const auto search = CmaesSearch::Create(space, 1).value();
  StudyUnderSearch without, with;
  for (int i = 0; i < 12; ++i) {
    const Configuration suggested = search->Suggest(without.View(), i, {});
    i == 1 ? without.Add(suggested, TrialState::kRunning) : without.AddCompleted(suggested, i);
    with.AddCompleted(suggested, i);
  }
  const Configuration late = search->Suggest(with.View(), 12, {});
  EXPECT_NE(late, search->Suggest(without.View(), 12, {}));
  EXPECT_EQ(late, CmaesSearch::Create(space, 1).value()->Suggest(with.View(), 12, {}));
}

// Values of different rungs do not compare, so a generation is of one rung: what was learned at a lower one is dropped
// as soon as parameters + 3 = 4 trials have entered the next, and the distribution starts from the centre again.
TEST(CmaesSearchTest, StartsAnewWhenItLearnsFromAHigherRung) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const auto search = CmaesSearch::Create(space, 7).value();
  StudyUnderSearch climbing({1, 3}), fresh({1, 3});
  const auto mean = [&](const StudyUnderSearch& study) {
    double sum = 0;
    for (int64_t index = 100; index < 200; ++index)
      sum += std::get<double>(*search->Suggest(study.View(), index, {})[0]) / 100;
    return sum;
  };
  // At rung 0 small values of x look good; eight trials are two generations.
  const auto x_of = [](TrialNumber trial) { return (trial % 2 == 0 ? 0.1 : 0.8) + 0.01 * static_cast<double>(trial); };
  for (TrialNumber trial = 0; trial < 8; ++trial) {
    const double x = x_of(trial);
    for (StudyUnderSearch* study : {&climbing, &fresh}) study->Add({x}, TrialState::kPaused);
    climbing.Enter(trial, 0, x);
  }
  const double low = mean(climbing);
  // At rung 1 large ones do. Three results there are too few to learn from.
  for (TrialNumber trial = 4; trial < 8; ++trial) {
    EXPECT_EQ(mean(climbing), low);
    for (StudyUnderSearch* study : {&climbing, &fresh}) study->Enter(trial, 1, -x_of(trial));
  }
  const double high = mean(climbing);
  EXPECT_EQ(high, mean(fresh));  // as if there had been no rung 0
  EXPECT_LT(low, 0.4);
  EXPECT_GT(high, 0.5);
}

TEST(CmaesSearchTest, StartsFromTheGoodTrialsOfEarlierStudies) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const auto search = CmaesSearch::Create(space, 1).value();
  StudyUnderSearch study;
  study.AddPrior({0.85}, 0);
  study.AddPrior({0.95}, 0.05);
  study.AddPrior({0.1}, 0.5);
  double sum = 0;
  for (int64_t i = 0; i < 200; ++i) sum += std::get<double>(*search->Suggest(study.View(), i, {})[0]);
  EXPECT_GT(sum / 200, 0.65);
}

TEST(CmaesSearchTest, KeepsWhatIsFixed) {
  const SearchSpace space = Space({Float("x", 0, 1), Int("n", 1, 9)});
  const auto search = CmaesSearch::Create(space, 1).value();
  for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(search->Suggest({}, i, {std::nullopt, Number(7)})[1], Number(7));
}

TEST(CmaesSearchTest, RefusesWhatHasNoDistances) {
  const SearchSpace category = Space({Float("x", 0, 1), Choice("c", {Number(1), Number(2)})});
  EXPECT_EQ(CmaesSearch::Create(category, 0).status().message(),
            "search.method: cmaes cannot search c, which is categorical; want tpe");
  const SearchSpace conditional = Space({Int("n", 1, 2), When(Float("x", 0, 1), "n", {Number(1)})});
  EXPECT_EQ(CmaesSearch::Create(conditional, 0).status().message(),
            "search.method: cmaes cannot search x, which is conditional; want tpe");
  EXPECT_EQ(CmaesSearch::Create(SearchSpace(), 0).status().message(),
            "search.method: cmaes over no parameters; want random");
}

}  // namespace
}  // namespace athanor
