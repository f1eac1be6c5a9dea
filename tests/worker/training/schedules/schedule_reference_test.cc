// Schedules against PyTorch's numbers: the settings of reference/make_reference.py again.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "tests/worker/training/reference/reference_table.h"
#include "worker/training/schedules/plateau.h"
#include "worker/training/schedules/schedule.h"

namespace athanor::training {
namespace {

constexpr int64_t kSteps = 100;
constexpr int64_t kStepsPerEpoch = 10;
constexpr double kPeak = 2;

// Relative: rates of a table span six decades.
void ExpectRate(const std::string& expected, double rate, const std::string& name, size_t step) {
  const double want = std::strtod(expected.c_str(), nullptr);
  EXPECT_NEAR(rate / want, 1, 1e-9) << name << ", step " << step;
}

TEST(ScheduleReference, AgreesWithPyTorchOver100Steps) {
  const std::map<std::string, ScheduleOptions> cases = {
      {"step", {.shape = ScheduleShape::kStep, .step_epochs = 2, .decay_factor = 0.5}},
      {"multistep", {.shape = ScheduleShape::kMultistep, .milestones = {1.5, 4, 8}, .decay_factor = 0.3}},
      {"exponential", {.shape = ScheduleShape::kExponential, .decay_factor = 0.7}},
      {"cosine", {.shape = ScheduleShape::kCosine, .min_learning_rate = 0.1}},
      {"warm_restarts", {.shape = ScheduleShape::kWarmRestarts, .min_learning_rate = 0.1, .restart_epochs = 1.5}},
      {"warm_restarts_2", {.shape = ScheduleShape::kWarmRestarts, .restart_epochs = 1, .restart_factor = 2}},
      {"one_cycle", {.shape = ScheduleShape::kOneCycle}},
      {"one_cycle_short",
       {.shape = ScheduleShape::kOneCycle, .peak_fraction = 0.123, .initial_divisor = 4, .final_divisor = 10}},
      {"polynomial", {.shape = ScheduleShape::kPolynomial}},
      {"polynomial_2", {.shape = ScheduleShape::kPolynomial, .decay_power = 2}},
      {"warm_up", {.shape = ScheduleShape::kCosine, .warmup_epochs = 2}},
  };
  const ReferenceTable table = ReadReferenceTable("schedules.csv");
  ASSERT_EQ(table.rows.size(), static_cast<size_t>(kSteps));
  ASSERT_EQ(table.columns.size(), cases.size() + 1);
  for (size_t column = 1; column < table.columns.size(); ++column) {
    ScheduleOptions options = cases.at(table.columns[column]);
    options.learning_rate = kPeak;
    const LearningRateSchedule schedule(options, kStepsPerEpoch, kSteps);
    for (size_t step = 0; step < table.rows.size(); ++step) {
      ExpectRate(table.rows[step][column], schedule.At(static_cast<int64_t>(step)), table.columns[column], step);
    }
  }
}

double Objective(Goal goal, size_t step) {
  const double at = static_cast<double>(step);
  const double falling = 1 / (1 + 0.1 * at) + 0.05 * std::sin(at);
  return goal == Goal::kMaximize ? 2 - falling : falling;
}

TEST(PlateauReference, AgreesWithPyTorchOver100Measurements) {
  const ScheduleOptions settings[] = {
      {.decay_factor = 0.5, .plateau_patience = 3, .plateau_threshold = 1e-2},
      {.decay_factor = 0.1, .min_learning_rate = 0.003, .plateau_patience = 0, .plateau_threshold = 1e-4},
      {.decay_factor = 0.3, .plateau_patience = 2, .plateau_threshold = 1e-2},
  };
  const ReferenceTable table = ReadReferenceTable("plateau.csv");
  ASSERT_EQ(table.columns, (std::vector<std::string>{"step", "min", "min_floor", "max"}));
  for (size_t column = 1; column < table.columns.size(); ++column) {
    ScheduleOptions options = settings[column - 1];
    options.shape = ScheduleShape::kPlateau;
    options.learning_rate = kPeak;
    const Goal goal = table.columns[column] == "max" ? Goal::kMaximize : Goal::kMinimize;
    const LearningRateSchedule schedule(options, kStepsPerEpoch, kSteps);
    PlateauState state;
    for (size_t step = 0; step < table.rows.size(); ++step) {
      ObserveObjective(options, goal, Objective(goal, step), state);
      ExpectRate(table.rows[step][column], schedule.At(static_cast<int64_t>(step), state.factor), table.columns[column],
                 step);
    }
  }
}

}  // namespace
}  // namespace athanor::training
