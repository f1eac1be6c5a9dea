#include "worker/training/optimizers/flat_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/worker/training/optimizers/parameters_model.h"

namespace athanor::training {
namespace {

// Two parameters of odd sizes, which leave gaps.
ParametersModel TwoParameters(at::ScalarType type = at::kFloat) {
  return ParametersModel({at::tensor({1.0, 2.0, 3.0}, type).view({1, 3}), at::tensor({4.0}, type)});
}

TEST(FlatParameters, KeepsValuesAndCollectsGradients) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    ParametersModel model = TwoParameters(type);
    FlatParameters parameters(model);
    EXPECT_EQ(parameters.values().scalar_type(), type);
    EXPECT_EQ(model.Value(0, 1), 2);
    EXPECT_EQ(model.Value(1, 0), 4);
    (model[0].sum() * 2 + model[1].sum() * 3).backward();
    EXPECT_EQ(parameters.gradients().sum().item<double>(), 9);  // 3 * 2 + 3
    parameters.ZeroGradients();
    EXPECT_EQ(model[0].grad().abs().sum().item<double>(), 0);
    const c10::NoGradGuard no_grad;
    parameters.values().fill_(7);
    EXPECT_EQ(model.Value(1, 0), 7) << "parameters are views";
  }
}

TEST(FlatParameters, SlicesOfLargerTensorsDoNotReachIntoTheirNeighbours) {
  const at::Tensor larger = at::arange(8 * 16, at::kFloat).view({8, 16});
  ParametersModel model({larger.narrow(1, 3, 2), at::full({16}, -1.0, at::kFloat)});
  FlatParameters parameters(model);
  EXPECT_EQ(model.Value(0, 15), 7 * 16 + 4);
  const c10::NoGradGuard no_grad;
  parameters.values().narrow(0, 0, 16).zero_();
  EXPECT_EQ(model[0].abs().sum().item<float>(), 0) << "all of it lies in its segment";
  EXPECT_EQ(model[1].sum().item<float>(), -16);
}

TEST(FlatParameters, SaysWhereParametersLie) {
  ParametersModel model = TwoParameters();
  const FlatParameters parameters(model);
  ASSERT_EQ(parameters.segments().size(), 2u);
  EXPECT_EQ(parameters.size(), 32);
  EXPECT_EQ(parameters.segments()[0].count, 3);
  EXPECT_EQ(parameters.segments()[0].dimensions, 2);
  EXPECT_EQ(parameters.segments()[1].name, "1");
  EXPECT_EQ(parameters.segments()[1].start, 16);
  EXPECT_EQ(parameters.segments()[1].dimensions, 1);
}

TEST(FlatParameters, ExpandsNumbersOfSegmentsAndLeavesGapsZero) {
  ParametersModel model = TwoParameters();
  const at::Tensor expanded = FlatParameters(model).Expand({0.5, 2});
  EXPECT_EQ(expanded.sum().item<float>(), 3 * 0.5 + 2);
  EXPECT_EQ(expanded[2].item<float>(), 0.5);
  EXPECT_EQ(expanded[3].item<float>(), 0);
  EXPECT_EQ(expanded[16].item<float>(), 2);
}

// Gradients (3, 0, 0) and (-4): norm 5.
void SetGradients(ParametersModel& model) {
  model[0].mutable_grad().zero_()[0][0] = 3.0;
  model[1].mutable_grad().fill_(-4.0);
}

TEST(FlatParameters, ClipsTheGlobalNormAndReturnsWhatItWas) {
  ParametersModel model = TwoParameters();
  FlatParameters parameters(model);
  SetGradients(model);
  const at::Tensor norm = parameters.ClipGradientNorm(10);
  EXPECT_EQ(norm.dim(), 0);
  EXPECT_FLOAT_EQ(norm.item<float>(), 5);
  EXPECT_FLOAT_EQ(parameters.GradientNorm().item<float>(), 5);
  EXPECT_EQ(model.Gradient(0, 0), 3);
  EXPECT_FLOAT_EQ(parameters.ClipGradientNorm(1).item<float>(), 5);
  EXPECT_NEAR(model.Gradient(0, 0), 0.6, 1e-6);
  EXPECT_NEAR(model.Gradient(1, 0), -0.8, 1e-6);
}

TEST(FlatParameters, ClipsEachValue) {
  ParametersModel model = TwoParameters();
  FlatParameters parameters(model);
  SetGradients(model);
  parameters.ClipGradientValue(3.5);
  EXPECT_EQ(model.Gradient(0, 0), 3);
  EXPECT_EQ(model.Gradient(1, 0), -3.5);
  model[0].mutable_grad()[0][1] = std::numeric_limits<float>::quiet_NaN();
  parameters.ClipGradientValue(1);
  EXPECT_EQ(model.Gradient(0, 0), 1);
  EXPECT_TRUE(std::isnan(model.Gradient(0, 1)));
}

}  // namespace
}  // namespace athanor::training
