#include "worker/training/schedules/plateau.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace athanor::training {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Observed {
  double value;
  double factor;
  double best;
  int64_t waited;
};

void ExpectStates(const ScheduleOptions& options, Goal goal, const std::vector<Observed>& table) {
  PlateauState state;
  for (size_t i = 0; i < table.size(); ++i) {
    ObserveObjective(options, goal, table[i].value, state);
    EXPECT_DOUBLE_EQ(state.factor, table[i].factor) << "measurement " << i;
    if (std::isnan(table[i].best)) {
      EXPECT_TRUE(std::isnan(state.best)) << "measurement " << i;
    } else {
      EXPECT_EQ(state.best, table[i].best) << "measurement " << i;
    }
    EXPECT_EQ(state.waited, table[i].waited) << "measurement " << i;
    EXPECT_FALSE(state.finished);
  }
}

ScheduleOptions Plateau(int64_t patience, double threshold) {
  return {.shape = ScheduleShape::kPlateau,
          .decay_factor = 0.5,
          .plateau_patience = patience,
          .plateau_threshold = threshold};
}

TEST(Plateau, FallsAfterMoreThanPatienceMeasurementsWithoutABetterOne) {
  ExpectStates(
      Plateau(1, 0), Goal::kMinimize,
      {{5, 1, 5, 0}, {5, 1, 5, 1}, {5, 0.5, 5, 0}, {6, 0.5, 5, 1}, {4, 0.5, 4, 0}, {4, 0.5, 4, 1}, {4, 0.25, 4, 0}});
  ExpectStates(Plateau(0, 0), Goal::kMaximize, {{5, 1, 5, 0}, {6, 1, 6, 0}, {5.5, 0.5, 6, 0}, {6, 0.25, 6, 0}});
}

TEST(Plateau, WantsAGainAboveTheThresholdWhichIsAShareOfTheBest) {
  ExpectStates(Plateau(9, 0.25), Goal::kMinimize, {{8, 1, 8, 0}, {6, 1, 8, 1}, {5.9, 1, 5.9, 0}});
  ExpectStates(Plateau(9, 0.25), Goal::kMaximize, {{8, 1, 8, 0}, {10, 1, 8, 1}, {10.1, 1, 10.1, 0}});
}

TEST(Plateau, TakesTheShareOfTheMagnitudeWhereTheBestIsNegative) {
  ExpectStates(Plateau(9, 0.25), Goal::kMinimize, {{-8, 1, -8, 0}, {-7, 1, -8, 1}, {-10, 1, -8, 2}, {-11, 1, -11, 0}});
}

TEST(Plateau, NeverTakesForBetterWhatIsNotFinite) {
  ExpectStates(Plateau(9, 0), Goal::kMinimize,
               {{kNan, 1, kNan, 1},
                {-kInfinity, 1, kNan, 2},
                {3, 1, 3, 0},
                {kNan, 1, 3, 1},
                {-kInfinity, 1, 3, 2},
                {2, 1, 2, 0}});
}

TEST(Plateau, HalvesUntilTheFactorIsBelowOneIn1024) {
  const ScheduleOptions options = {.shape = ScheduleShape::kHalveOnPlateau, .decay_factor = 0.1, .plateau_patience = 0};
  PlateauState state;
  ObserveObjective(options, Goal::kMaximize, 1, state);
  for (int fall = 1; fall <= 10; ++fall) {
    ObserveObjective(options, Goal::kMaximize, 1, state);
    EXPECT_EQ(state.factor, std::ldexp(1, -fall));
    EXPECT_FALSE(state.finished) << fall;
  }
  ObserveObjective(options, Goal::kMaximize, 1, state);
  EXPECT_EQ(state.factor, 1.0 / 2048);
  EXPECT_TRUE(state.finished);
  ObserveObjective(options, Goal::kMaximize, 2, state);
  EXPECT_TRUE(state.finished);
  EXPECT_EQ(state.best, 1);
}

TEST(Plateau, IsNothingToOtherSchedules) {
  PlateauState state;
  for (int i = 0; i < 20; ++i) {
    ObserveObjective({.shape = ScheduleShape::kCosine, .plateau_patience = 0}, Goal::kMinimize, 1, state);
  }
  EXPECT_EQ(state.factor, 1);
  EXPECT_EQ(state.waited, 0);
}

}  // namespace
}  // namespace athanor::training
