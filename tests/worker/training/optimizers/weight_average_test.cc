#include "worker/training/optimizers/weight_average.h"

#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "tests/worker/training/optimizers/parameters_model.h"

namespace athanor::training {
namespace {

struct Averaged {
  explicit Averaged(double decay)
      : model({at::full({2, 2}, 100, at::kDouble)}), parameters(model), average(decay, parameters) {}

  void Update(int64_t step, double value) {
    const c10::NoGradGuard no_grad;
    parameters.values().fill_(value);
    average.Update(step);
  }
  double Average() { return average.State()[0].tensor[3].item<double>(); }

  ParametersModel model;
  FlatParameters parameters;
  WeightAverage average;
};

TEST(WeightAverage, WarmsUpFromTheWeightsAfterTheFirstStep) {
  Averaged averaged(0.999);
  averaged.Update(1, 4);
  EXPECT_DOUBLE_EQ(averaged.Average(), 4) << "what the model was initialised with has no part";
  averaged.Update(2, 8);  // decay 3 / 12
  EXPECT_DOUBLE_EQ(averaged.Average(), 7);
  averaged.Update(8, 4);  // decay 9 / 18
  EXPECT_DOUBLE_EQ(averaged.Average(), 5.5);
}

TEST(WeightAverage, DecaysAsToldAfterTheWarmUp) {
  Averaged averaged(0.25);
  averaged.Update(1, 4);
  averaged.Update(2, 8);  // decay 0.25 from here on
  EXPECT_DOUBLE_EQ(averaged.Average(), 7);
  averaged.Update(8, 3);
  EXPECT_DOUBLE_EQ(averaged.Average(), 4);
}

TEST(WeightAverage, IsTheModelsWeightsWhileItIsUsed) {
  Averaged averaged(0.25);
  averaged.Update(1, 4);
  averaged.Update(2, 8);
  {
    const AveragedWeights use(&averaged.average);
    EXPECT_DOUBLE_EQ(averaged.model.Value(0, 3), 7);
    EXPECT_DOUBLE_EQ(averaged.Average(), 8);
  }
  EXPECT_DOUBLE_EQ(averaged.model.Value(0, 3), 8);
  EXPECT_DOUBLE_EQ(averaged.Average(), 7);
  const AveragedWeights none(nullptr);
  EXPECT_DOUBLE_EQ(averaged.model.Value(0, 3), 8);
}

}  // namespace
}  // namespace athanor::training
