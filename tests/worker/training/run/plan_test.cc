#include "worker/training/run/plan.h"

#include <gtest/gtest.h>

namespace athanor::training {
namespace {

TEST(RunPlan, CountsEpochs) {
  const RunPlan plan(Resource::kEpoch, 10, 100, 3, {1, 3});
  EXPECT_EQ(plan.total_optimizer_steps(), 30);
  struct Case {
    int64_t optimizer_step, finished, in_progress;
    bool measures;
  };
  for (const Case& c : {Case{1, 0, 1, false}, Case{9, 0, 1, false}, Case{10, 1, 1, true}, Case{11, 1, 2, false},
                        Case{30, 3, 3, true}}) {
    EXPECT_EQ(plan.FinishedStep(c.optimizer_step), c.finished) << c.optimizer_step;
    EXPECT_EQ(plan.StepInProgress(c.optimizer_step), c.in_progress) << c.optimizer_step;
    EXPECT_EQ(plan.Measures(c.optimizer_step), c.measures) << c.optimizer_step;
    EXPECT_EQ(plan.EndsWindow(c.optimizer_step), c.measures) << c.optimizer_step;
  }
  EXPECT_TRUE(plan.Holds(1));
  EXPECT_FALSE(plan.Holds(2));
}

TEST(RunPlan, MeasuresStepsAtIntervalsHoldsAndTheEnd) {
  const RunPlan plan(Resource::kStep, 10, 100, 250, {30, 100});
  EXPECT_EQ(plan.total_optimizer_steps(), 250);
  for (const int64_t step : {30, 100, 200, 250}) EXPECT_TRUE(plan.Measures(step)) << step;
  for (const int64_t step : {1, 10, 50, 249}) EXPECT_FALSE(plan.Measures(step)) << step;
  EXPECT_TRUE(plan.EndsWindow(100));
  EXPECT_FALSE(plan.EndsWindow(30)) << "a hold must not change the mean loss of later measurements";
  EXPECT_EQ(plan.FinishedStep(37), 37);
}

}  // namespace
}  // namespace athanor::training
