#include "worker/training/schedules/schedule.h"

#include <gtest/gtest.h>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

struct Expected {
  int64_t step;
  double rate;
};

void ExpectRates(const ScheduleOptions& options, int64_t steps_per_epoch, int64_t horizon,
                 std::vector<Expected> table) {
  const LearningRateSchedule schedule(options, steps_per_epoch, horizon);
  for (const Expected& row : table) EXPECT_NEAR(schedule.At(row.step), row.rate, 1e-12) << "step " << row.step;
}

TEST(LearningRateSchedule, ConstantStaysAtThePeak) {
  ExpectRates({.learning_rate = 0.3}, 10, 100, {{0, 0.3}, {50, 0.3}, {99, 0.3}, {1000, 0.3}});
}

TEST(LearningRateSchedule, WarmsUpLinearlyAndReachesThePeakAtItsLastStep) {
  ExpectRates({.learning_rate = 0.8, .warmup_epochs = 0.4}, 10, 100,
              {{0, 0.2}, {1, 0.4}, {2, 0.6}, {3, 0.8}, {4, 0.8}, {99, 0.8}});
}

TEST(LearningRateSchedule, StepDecaysAtEachBoundaryCountedFromTheEndOfTheWarmUp) {
  const ScheduleOptions plain = {
      .shape = ScheduleShape::kStep, .learning_rate = 1.0, .step_epochs = 2, .decay_factor = 0.5};
  ExpectRates(plain, 5, 50, {{0, 1.0}, {9, 1.0}, {10, 0.5}, {19, 0.5}, {20, 0.25}, {49, 0.0625}});
  ScheduleOptions warm = plain;
  warm.warmup_epochs = 1;
  ExpectRates(warm, 5, 50, {{0, 0.2}, {4, 1.0}, {14, 1.0}, {15, 0.5}});
}

TEST(LearningRateSchedule, StepShorterThanAnOptimiserStepDecaysEveryStep) {
  ExpectRates({.shape = ScheduleShape::kStep, .learning_rate = 1.0, .step_epochs = 0.01, .decay_factor = 0.5}, 10, 100,
              {{0, 1.0}, {1, 0.5}, {2, 0.25}});
}

TEST(LearningRateSchedule, CosineFallsFromPeakToMinimumOverTheHorizonAndStaysThere) {
  // cos(pi/3) = 1/2, cos(pi/2) = 0, cos(2 pi/3) = -1/2
  ExpectRates({.shape = ScheduleShape::kCosine, .learning_rate = 1.0, .min_learning_rate = 0.2}, 6, 60,
              {{0, 1.0}, {20, 0.8}, {30, 0.6}, {40, 0.4}, {60, 0.2}, {100, 0.2}});
}

TEST(LearningRateSchedule, CosineBeginsAfterTheWarmUp) {
  ExpectRates({.shape = ScheduleShape::kCosine, .learning_rate = 1.0, .warmup_epochs = 2}, 10, 80,
              {{0, 0.05}, {19, 1.0}, {20, 1.0}, {50, 0.5}, {80, 0.0}});
}

TEST(LearningRateSchedule, WarmUpMayFillTheRunButNotExceedIt) {
  const ScheduleOptions options = {.shape = ScheduleShape::kCosine, .learning_rate = 1.0, .warmup_epochs = 3};
  EXPECT_NEAR(LearningRateSchedule(options, 10, 30).At(29), 1.0, 1e-12);
  EXPECT_THROW(LearningRateSchedule(options, 10, 29), InfeasibleError);
}

}  // namespace
}  // namespace athanor::training
