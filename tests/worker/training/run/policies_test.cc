// The small decisions of a run: when it ends, in how many parts a batch is trained, how far losses are scaled.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "worker/training/run/batch_parts.h"
#include "worker/training/run/early_end.h"
#include "worker/training/run/precision.h"

namespace athanor::training {
namespace {

TEST(EarlyEnd, WaitsForPatienceMeasurementsWithoutAGain) {
  EarlyEndOptions options;
  options.patience = 2;
  options.min_delta = 0.1;
  struct Step {
    double value;
    bool ends;
  };
  // 0.55 is within min_delta of 0.5; 0.65 is not, and starts the count anew; NaN is never better.
  const Step steps[] = {
      {0.5, false}, {0.55, false}, {0.65, false}, {0.7, false}, {std::numeric_limits<double>::quiet_NaN(), true}};
  for (const Goal goal : {Goal::kMaximize, Goal::kMinimize}) {
    EarlyEndState state;
    for (const Step& step : steps) {
      const double value = goal == Goal::kMaximize ? step.value : -step.value;
      EXPECT_EQ(ObserveForEarlyEnd(options, goal, value, state).has_value(), step.ends) << step.value;
    }
    EXPECT_EQ(state.ended, 1);
  }
}

TEST(EarlyEnd, StopsAtTheWantedValue) {
  EarlyEndState state;
  EarlyEndOptions options;
  options.stop_at = 0.9;
  EXPECT_FALSE(ObserveForEarlyEnd(options, Goal::kMaximize, 0.89, state).has_value());
  EXPECT_TRUE(ObserveForEarlyEnd(options, Goal::kMaximize, 0.9, state).has_value());
  EarlyEndState low;
  EXPECT_FALSE(ObserveForEarlyEnd(options, Goal::kMinimize, 0.91, low).has_value());
  EXPECT_FALSE(ObserveForEarlyEnd(options, Goal::kMinimize, std::numeric_limits<double>::quiet_NaN(), low).has_value());
  EXPECT_TRUE(ObserveForEarlyEnd(options, Goal::kMinimize, 0.5, low).has_value());
}

TEST(EarlyEnd, NeverEndsWithoutOptions) {
  EarlyEndState state;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(ObserveForEarlyEnd({}, Goal::kMaximize, -i, state).has_value());
}

std::vector<int64_t> Sizes(const BatchParts& parts, int64_t batch) {
  std::vector<int64_t> sizes;
  for (int64_t part = 0; part < parts.CountOf(batch); ++part) {
    sizes.push_back(parts.Begin(part + 1, batch) - parts.Begin(part, batch));
  }
  return sizes;
}

TEST(BatchParts, DivideUntilTheyAreSingleExamples) {
  BatchParts parts(1, 1);
  EXPECT_EQ(Sizes(parts, 5), (std::vector<int64_t>{5}));
  EXPECT_TRUE(parts.Divide(5));
  EXPECT_EQ(Sizes(parts, 5), (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(parts.Divide(5));
  EXPECT_EQ(Sizes(parts, 5), (std::vector<int64_t>{1, 1, 1, 2}));
  EXPECT_TRUE(parts.Divide(5));
  EXPECT_EQ(parts.count(), 5);
  EXPECT_FALSE(parts.Divide(5));
}

TEST(BatchParts, LeaveTwoExamplesToBatchNormalisation) {
  BatchParts parts(4, 2);
  EXPECT_EQ(Sizes(parts, 32), (std::vector<int64_t>{8, 8, 8, 8}));
  EXPECT_EQ(Sizes(parts, 5), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(Sizes(parts, 3), (std::vector<int64_t>{3}));
  EXPECT_EQ(Sizes(parts, 1), (std::vector<int64_t>{1}));
  EXPECT_FALSE(parts.Divide(9));
  EXPECT_TRUE(parts.Divide(10));
  EXPECT_EQ(parts.count(), 5);
}

TEST(LossScale, HalvesOnOverflowAndDoublesAfter2000GoodSteps) {
  LossScale scale;
  for (int i = 0; i < 1999; ++i) ObserveGradients(true, scale);
  EXPECT_EQ(scale.scale, 65536);
  ObserveGradients(true, scale);
  EXPECT_EQ(scale.scale, 131072);
  ObserveGradients(true, scale);
  ObserveGradients(false, scale);
  EXPECT_EQ(scale.scale, 65536);
  EXPECT_EQ(scale.good_steps, 0);
  EXPECT_EQ(scale.skipped, 1);
  for (int i = 0; i < 2000; ++i) ObserveGradients(true, scale);
  EXPECT_EQ(scale.scale, 131072);
  EXPECT_EQ(scale.skipped, 1);
}

}  // namespace
}  // namespace athanor::training
