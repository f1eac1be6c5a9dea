#include "server/insight/common_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace athanor {
namespace {

using ::testing::ElementsAre;

OrientedCurve Curve(std::vector<int64_t> steps) {
  OrientedCurve curve;
  for (const int64_t step : steps) curve.push_back({step, static_cast<double>(10 * step)});
  return curve;
}

TEST(CommonStepTest, IsTheRungThatMostTrialsReached) {
  const std::vector<OrientedCurve> curves = {Curve({1, 2, 3}), Curve({1}), Curve({2, 4}), {}};
  const std::vector<int64_t> rungs = {1, 3, 9};
  const CommonStep common = ChooseCommonStep(curves, rungs);
  EXPECT_EQ(common.step, 1);
  EXPECT_THAT(common.values, ElementsAre(10.0, 10.0, 20.0, std::nullopt));  // the first value at or past it
}

TEST(CommonStepTest, OfRungsThatAsManyReachedItIsTheHighest) {
  const std::vector<OrientedCurve> curves = {Curve({1, 2, 3}), Curve({1, 3, 8}), Curve({1})};
  const std::vector<int64_t> rungs = {3, 8, 9};
  const CommonStep common = ChooseCommonStep(std::span(curves).first(2), rungs);
  EXPECT_EQ(common.step, 3);
  EXPECT_THAT(common.values, ElementsAre(30.0, 30.0));
}

TEST(CommonStepTest, WithoutRungsItIsTheLastStepThatAllReached) {
  const std::vector<OrientedCurve> curves = {Curve({1, 2, 3, 4}), Curve({1, 2}), Curve({1, 2, 3})};
  const CommonStep common = ChooseCommonStep(curves, {});
  EXPECT_EQ(common.step, 2);
  EXPECT_THAT(common.values, ElementsAre(20.0, 20.0, 20.0));
}

TEST(CommonStepTest, WithoutValuesThereIsNone) {
  const std::vector<OrientedCurve> curves(2);
  const std::vector<int64_t> rungs = {1, 3};
  EXPECT_EQ(ChooseCommonStep(curves, rungs).step, 0);
  EXPECT_THAT(ChooseCommonStep(curves, {}).values, ElementsAre(std::nullopt, std::nullopt));
}

}  // namespace
}  // namespace athanor
