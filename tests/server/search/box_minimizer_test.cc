#include "server/search/box_minimizer.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace athanor {
namespace {

double Rosenbrock(std::span<const double> x, std::span<double> gradient) {
  const double a = 1 - x[0], b = x[1] - x[0] * x[0];
  gradient[0] = -2 * a - 400 * x[0] * b;
  gradient[1] = 200 * b;
  return a * a + 100 * b * b;
}

TEST(BoxMinimizerTest, FindsTheMinimumInsideTheBox) {
  const std::vector<double> start = {-1.2, 1}, lower = {-5, -5}, upper = {5, 5};
  const BoxMinimum found = MinimizeInBox(Rosenbrock, start, {lower, upper}, 200);
  EXPECT_NEAR(found.x[0], 1, 1e-5);
  EXPECT_NEAR(found.x[1], 1, 1e-5);
  EXPECT_LT(found.value, 1e-10);
}

// On x <= 0.5 Rosenbrock's function is least at (0.5, 0.25).
TEST(BoxMinimizerTest, StopsAtABoundThatHoldsTheMinimumBack) {
  const std::vector<double> start = {-1.2, 1}, lower = {-5, -5}, upper = {0.5, 5};
  const BoxMinimum found = MinimizeInBox(Rosenbrock, start, {lower, upper}, 200);
  EXPECT_DOUBLE_EQ(found.x[0], 0.5);
  EXPECT_NEAR(found.x[1], 0.25, 1e-6);
  EXPECT_NEAR(found.value, 0.25, 1e-10);
}

TEST(BoxMinimizerTest, MovesAStartIntoTheBox) {
  const std::vector<double> start = {9, -9}, lower = {0, 0}, upper = {1, 1};
  const BoxMinimum found = MinimizeInBox(Rosenbrock, start, {lower, upper}, 1);
  EXPECT_EQ(found.x, (std::vector<double>{1, 0}));
}

TEST(BoxMinimizerTest, AsksNoMoreOftenThanAllowedAndNeverGetsWorse) {
  const std::vector<double> start = {-1.2, 1}, lower = {-5, -5}, upper = {5, 5};
  double last = std::numeric_limits<double>::infinity();
  for (int allowed = 1; allowed < 30; ++allowed) {
    int asked = 0;
    const auto counting = [&](std::span<const double> x, std::span<double> gradient) {
      ++asked;
      return Rosenbrock(x, gradient);
    };
    const BoxMinimum found = MinimizeInBox(counting, start, {lower, upper}, allowed);
    EXPECT_LE(asked, allowed);
    EXPECT_LE(found.value, last);
    last = found.value;
  }
}

TEST(BoxMinimizerTest, AStepIntoTheInfiniteIsTakenBack) {
  const auto walled = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 2 * (x[0] - 3);
    return x[0] < 2.5 ? (x[0] - 3) * (x[0] - 3) : std::numeric_limits<double>::infinity();
  };
  const std::vector<double> start = {2.2}, lower = {0}, upper = {9};
  const BoxMinimum found = MinimizeInBox(walled, start, {lower, upper}, 50);
  EXPECT_LT(found.x[0], 2.5);
  EXPECT_LT(found.value, 0.64);  // better than at 2.2
}

}  // namespace
}  // namespace athanor
