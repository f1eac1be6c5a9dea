#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "base/random.h"
#include "server/simulate/bbob_function.h"
#include "server/simulate/bbob_task.h"
#include "server/simulate/bbob_transforms.h"
#include "server/simulate/simulation.h"

namespace athanor {
namespace {

BbobFunction Function(int number, int dimensions, uint64_t instance = 1) {
  return BbobFunction::Create(number, dimensions, instance).value();
}

// The function's height above its optimum at x^opt + offset.
double HeightAt(const BbobFunction& function, const std::vector<double>& offset) {
  std::vector<double> x = function.optimum();
  for (size_t i = 0; i < x.size(); ++i) x[i] += offset[i];
  return function(x) - function.optimal_value();
}

class EachBbobFunctionTest : public ::testing::TestWithParam<int> {};

TEST_P(EachBbobFunctionTest, HasItsLeastValueAtTheOptimum) {
  for (const int dimensions : {2, 5, 10}) {
    for (const uint64_t instance : {1, 2, 15}) {
      const BbobFunction function = Function(GetParam(), dimensions, instance);
      EXPECT_NEAR(function(function.optimum()), function.optimal_value(), 1e-6) << dimensions << " " << instance;
      EXPECT_LE(std::abs(function.optimal_value()), 1000);
      Random random(instance);
      for (int i = 0; i < 200; ++i) {
        std::vector<double> x;
        for (int k = 0; k < dimensions; ++k) x.push_back(10 * random.Uniform() - 5);
        EXPECT_GT(function(x), function.optimal_value());
      }
    }
  }
}

TEST_P(EachBbobFunctionTest, DiffersWithTheInstance) {
  const std::vector<double> x(5, 1.0);
  EXPECT_NE(Function(GetParam(), 5, 1)(x), Function(GetParam(), 5, 2)(x));
  EXPECT_EQ(Function(GetParam(), 5, 1)(x), Function(GetParam(), 5, 1)(x));
}

INSTANTIATE_TEST_SUITE_P(All, EachBbobFunctionTest, ::testing::Range(1, 25));

TEST(BbobFunctionTest, HasKnownValuesAtKnownPoints) {
  EXPECT_NEAR(HeightAt(Function(1, 3), {1, -2, 3}), 14, 1e-9);           // sum of squares
  EXPECT_NEAR(HeightAt(Function(2, 2), {1, 1}), 1 + 1e6, 1e-6);          // T_osz(1) = 1
  EXPECT_NEAR(HeightAt(Function(3, 2), {1, 0}), 1, 1e-9);                // cos(2 pi) = 1
  EXPECT_NEAR(HeightAt(Function(4, 2), {-1, 0}), 1, 1e-9);               // downhill side of the odd coordinate
  EXPECT_NEAR(HeightAt(Function(8, 5), {-1, -1, -1, -1, -1}), 4, 1e-9);  // Rosenbrock's z = 0
  const BbobFunction slope = Function(5, 2);
  EXPECT_NEAR(slope({0, 0}) - slope.optimal_value(), 55, 1e-9);  // 5 * (1 + 10)
  const BbobFunction valley = Function(9, 4);
  std::vector<double> bottom = valley.optimum();
  for (double& x : bottom) x = -x;  // z = 0
  EXPECT_NEAR(valley(bottom) - valley.optimal_value(), 3, 1e-9);
}

TEST(BbobFunctionTest, TurnsByRows) {
  SquareMatrix quarter(2);
  quarter.At(0, 1) = 1;
  quarter.At(1, 0) = -1;
  EXPECT_EQ(quarter.Apply({3, 4}), (std::vector<double>{4, -3}));
  EXPECT_EQ(quarter.ApplyTransposed({4, -3}), (std::vector<double>{3, 4}));
}

TEST(BbobTransformsTest, FollowTheReport) {
  EXPECT_EQ(Oscillate(0), 0);
  EXPECT_EQ(Oscillate(1), 1);
  EXPECT_EQ(Oscillate(-1), -1);
  EXPECT_NEAR(Oscillate(2), 1.9884, 2e-4);
  EXPECT_EQ(Skewed({4, 4, -4}, 1), (std::vector<double>{4, 16, -4}));
  EXPECT_EQ(Stretched({1, 1, 1}, 100), (std::vector<double>{1, std::pow(100, 0.25), 10}));
  EXPECT_EQ(BoundaryPenalty({5, -7, 6}), 5);
  EXPECT_EQ(Rosenbrock({1, 1, 1}), 0);
  EXPECT_EQ(Rosenbrock({0, 1}), 101);
}

TEST(BbobFunctionTest, RefusesWhatDoesNotExist) {
  EXPECT_FALSE(BbobFunction::Create(0, 5, 1).ok());
  EXPECT_FALSE(BbobFunction::Create(25, 5, 1).ok());
  EXPECT_FALSE(BbobFunction::Create(1, 1, 1).ok());
}

TEST(BbobTaskTest, MixedCoordinatesReachTheOptimum) {
  for (int number = 1; number <= 24; ++number) {
    const auto task = BbobTask::Create(number, 10, 3, BbobTask::Coordinates::kMixed).value();
    const SearchSpace space = SearchSpace::Create(task->study().parameters).value();
    Configuration best;
    for (size_t i = 0; i < 10; ++i) {
      const ParameterType type = space.parameters()[i].type;
      EXPECT_EQ(type, i % 5 == 3   ? ParameterType::kInt
                      : i % 5 == 4 ? ParameterType::kCategorical
                                   : ParameterType::kFloat);
      best.push_back(Value(task->function().optimum()[i]));
      if (type == ParameterType::kFloat) continue;
      // Whichever value comes nearest.
      double least = 100;
      std::optional<Value> nearest;
      for (int64_t k = 0; k < *space.CountValues(i, SearchSpace::Points::kIgnore); ++k) {
        Configuration probe(10, Value(0.0));
        probe[3] = probe[8] = Value(int64_t{0});
        probe[4] = probe[9] = Value(std::string("a"));
        probe[i] = space.ValueAt(i, k, SearchSpace::Points::kIgnore);
        const double place = task->Locate(probe)[i];
        EXPECT_LE(std::abs(place), 5 + 1e-9);
        if (std::abs(place - task->function().optimum()[i]) < least) {
          least = std::abs(place - task->function().optimum()[i]);
          nearest = probe[i];
        }
      }
      best[i] = nearest;
    }
    EXPECT_NEAR(task->function()(task->Locate(best)), task->optimum(), 1e-6) << number;
  }
}

TEST(BbobTaskTest, EvaluatesOneStepATrial) {
  const auto task = BbobTask::Create(1, 2, 1, BbobTask::Coordinates::kContinuous).value();
  EXPECT_EQ(task->name(), "f01-d2-i1");
  Policy policy;
  policy.search.method = "random";
  policy.budget.trials = 50;
  SimulationOptions options;
  options.cluster.workers = 5;
  const auto result = Simulate(*task, policy, options, nullptr).value();
  EXPECT_EQ(result.completed, 50);
  EXPECT_EQ(result.steps, 50);
  EXPECT_DOUBLE_EQ(result.end, 10);
  EXPECT_GT(result.improvements.back().best, task->optimum());
}

}  // namespace
}  // namespace athanor
