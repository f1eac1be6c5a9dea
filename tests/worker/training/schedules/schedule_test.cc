#include "worker/training/schedules/schedule.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST(LearningRateSchedule, MultistepDecaysAtEachMilestoneCountedFromTheEndOfTheWarmUp) {
  ScheduleOptions options = {
      .shape = ScheduleShape::kMultistep, .learning_rate = 1.0, .milestones = {1.5, 4, 1e300}, .decay_factor = 0.5};
  ExpectRates(options, 10, 100, {{0, 1.0}, {14, 1.0}, {15, 0.5}, {39, 0.5}, {40, 0.25}, {99, 0.25}});
  options.warmup_epochs = 1;
  ExpectRates(options, 10, 100, {{24, 1.0}, {25, 0.5}, {50, 0.25}});
}

TEST(LearningRateSchedule, ExponentialDecaysOnceAnEpoch) {
  ExpectRates({.shape = ScheduleShape::kExponential, .learning_rate = 1.0, .decay_factor = 0.5}, 10, 100,
              {{0, 1.0}, {9, 1.0}, {10, 0.5}, {19, 0.5}, {20, 0.25}});
}

TEST(LearningRateSchedule, WarmRestartsBeginEachCycleAtThePeak) {
  // Cycles of 4, 12, 36 steps from 0, 4, 16.
  ExpectRates({.shape = ScheduleShape::kWarmRestarts,
               .learning_rate = 1.0,
               .min_learning_rate = 0.2,
               .restart_epochs = 2,
               .restart_factor = 3},
              2, 20, {{0, 1.0}, {2, 0.6}, {4, 1.0}, {8, 0.8}, {10, 0.6}, {12, 0.4}, {16, 1.0}, {34, 0.6}, {52, 1.0}});
  // A resumed run finds its place at once however many cycles lie behind.
  ExpectRates({.shape = ScheduleShape::kWarmRestarts, .learning_rate = 1.0, .restart_epochs = 1}, 4, 20,
              {{4'000'000'000'000'000, 1.0}, {4'000'000'000'000'002, 0.5}});
}

TEST(LearningRateSchedule, OneCycleRisesToThePeakAndFallsBelowItsStart) {
  // The peak is at 0.5 * 10 - 1 = 4, the end at 9.
  const ScheduleOptions options = {.shape = ScheduleShape::kOneCycle,
                                   .learning_rate = 1.0,
                                   .peak_fraction = 0.5,
                                   .initial_divisor = 5,
                                   .final_divisor = 2};
  ExpectRates(options, 10, 10, {{0, 0.2}, {2, 0.6}, {4, 1.0}, {9, 0.1}, {20, 0.1}});
  ScheduleOptions warm = options;
  warm.warmup_epochs = 0.4;
  ExpectRates(warm, 10, 14, {{0, 0.05}, {3, 0.2}, {4, 0.2}, {6, 0.6}, {8, 1.0}, {13, 0.1}});
}

TEST(LearningRateSchedule, OneCycleOfARunTooShortToRiseStartsAtThePeak) {
  const ScheduleOptions options = {.shape = ScheduleShape::kOneCycle,
                                   .learning_rate = 1.0,
                                   .peak_fraction = 0.25,
                                   .initial_divisor = 5,
                                   .final_divisor = 2};
  ExpectRates(options, 10, 1, {{0, 1.0}, {1, 1.0}});
  ExpectRates(options, 10, 3, {{0, 1.0}, {1, 0.55}, {2, 0.1}});
}

TEST(LearningRateSchedule, PolynomialFallsToTheMinimum) {
  ExpectRates({.shape = ScheduleShape::kPolynomial, .learning_rate = 1.0, .min_learning_rate = 0.2, .decay_power = 2},
              10, 10, {{0, 1.0}, {5, 0.4}, {10, 0.2}, {11, 0.2}});
}

TEST(LearningRateSchedule, PlateauTakesItsFactorButNoRateBelowTheMinimum) {
  const LearningRateSchedule schedule(
      {.shape = ScheduleShape::kPlateau, .learning_rate = 1.0, .warmup_epochs = 1, .min_learning_rate = 0.3}, 10, 100);
  EXPECT_DOUBLE_EQ(schedule.At(50, 1), 1);
  EXPECT_DOUBLE_EQ(schedule.At(50, 0.5), 0.5);
  EXPECT_DOUBLE_EQ(schedule.At(50, 0.25), 0.3);
  EXPECT_DOUBLE_EQ(schedule.At(0, 0.25), 0.1) << "the warm-up begins where it begins";
}

TEST(LearningRateSchedule, WarmUpMayFillTheRunButNotExceedIt) {
  const ScheduleOptions options = {.shape = ScheduleShape::kCosine, .learning_rate = 1.0, .warmup_epochs = 3};
  EXPECT_NEAR(LearningRateSchedule(options, 10, 30).At(29), 1.0, 1e-12);
  EXPECT_THROW(LearningRateSchedule(options, 10, 29), InfeasibleError);
}

}  // namespace
}  // namespace athanor::training
