#include "worker/training/optimizers/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "worker/training/optimizers/flat_parameters.h"

namespace athanor::training {
namespace {

// Two parameters of odd sizes.
class TwoParameters final : public Model {
 public:
  TwoParameters() {
    first_.set_requires_grad(true);
    second_.set_requires_grad(true);
  }
  at::Tensor Forward(const at::Tensor& images) override { return images; }
  void SetMode(Mode) override {}
  void MoveTo(const at::Device&) override {}
  std::string HeadPrefix() const override { return ""; }
  std::vector<NamedTensor> Parameters() override { return {{"first", first_}, {"second", second_}}; }
  std::vector<NamedTensor> Buffers() override { return {}; }

  at::Tensor first_ = at::tensor({1.0, 2.0, 3.0}, at::kFloat);
  at::Tensor second_ = at::tensor({4.0}, at::kFloat);
};

TEST(FlatParameters, KeepsValuesAndCollectsGradients) {
  TwoParameters model;
  FlatParameters parameters(model);
  EXPECT_EQ(model.first_[1].item<float>(), 2);
  EXPECT_EQ(model.second_[0].item<float>(), 4);
  (model.first_.sum() * 2 + model.second_.sum() * 3).backward();
  EXPECT_EQ(parameters.gradients().sum().item<float>(), 9);  // 3 * 2 + 3
  parameters.ZeroGradients();
  EXPECT_EQ(model.first_.grad().abs().sum().item<float>(), 0);
  {
    const c10::NoGradGuard no_grad;
    parameters.values().fill_(7);
  }
  EXPECT_EQ(model.second_[0].item<float>(), 7) << "parameters are views";
}

TEST(FlatParameters, ClipsTheGlobalNorm) {
  TwoParameters model;
  FlatParameters parameters(model);
  // Gradients 3 and 4: norm 5.
  const auto set = [&] {
    parameters.ZeroGradients();
    model.first_.mutable_grad()[0] = 3.0;
    model.second_.mutable_grad()[0] = 4.0;
  };
  set();
  parameters.ClipGradientNorm(10);
  EXPECT_FLOAT_EQ(model.first_.grad()[0].item<float>(), 3);
  set();
  parameters.ClipGradientNorm(1);
  EXPECT_NEAR(model.first_.grad()[0].item<float>(), 0.6, 1e-6);
  EXPECT_NEAR(model.second_.grad()[0].item<float>(), 0.8, 1e-6);
}

struct Case {
  const char* name;
  OptimizerOptions options;
  double after_one;
  double after_two;
};

// One parameter of 1, gradient 0.5 in the first step and 1 in the second, rate 0.1.
TEST(Optimizer, MatchesHandComputedSteps) {
  const Case cases[] = {
      {"sgd", {}, 0.95, 0.85},
      // v: 0.5, 0.9 * 0.5 + 1 = 1.45
      {"momentum", {.momentum = 0.9}, 0.95, 0.95 - 0.145},
      // update: 0.5 + 0.9 * 0.5 = 0.95, then 1 + 0.9 * 1.45 = 2.305
      {"nesterov", {.momentum = 0.9, .nesterov = true}, 1 - 0.095, 1 - 0.095 - 0.2305},
      // gradients 0.5 + 0.2 * 1 = 0.7, then 1 + 0.2 * 0.93 = 1.186
      {"sgd with weight decay", {.weight_decay = 0.2}, 0.93, 0.93 - 0.1186},
      // m / v after bias correction: 0.5 / 0.25, then (0.9 * 0.05 + 0.1) / 0.19 = 0.145 / 0.19
      // and (0.999 * 0.00025 + 0.001) / 0.001999 = 0.00124975 / 0.001999
      {"adam", {.rule = UpdateRule::kAdam}, 0.9, 0.9 - 0.1 * (0.145 / 0.19) / std::sqrt(0.00124975 / 0.001999)},
      // the same from p = 1 * (1 - 0.1 * 0.5) = 0.95, and 0.85 * 0.95 before the second
      {"adamw",
       {.rule = UpdateRule::kAdamW, .weight_decay = 0.5},
       0.85,
       0.8075 - 0.1 * (0.145 / 0.19) / std::sqrt(0.00124975 / 0.001999)},
      // gradients 0.5 + 0.5 * 1 = 1; the first step of Adam has length rate whatever the gradient
      {"adam with L2",
       {.rule = UpdateRule::kAdam, .weight_decay = 0.5},
       0.9,
       // gradients 1, then 1 + 0.45 = 1.45: m = 0.9 * 0.1 + 0.145 = 0.235, v = 0.999 * 0.001 + 0.0021025 = 0.0031015
       0.9 - 0.1 * (0.235 / 0.19) / std::sqrt(0.0031015 / 0.001999)},
  };
  for (const Case& c : cases) {
    TwoParameters model;
    FlatParameters parameters(model);
    const auto optimizer = MakeOptimizer(c.options, parameters);
    parameters.values().fill_(1);
    parameters.gradients().fill_(0.5);
    optimizer->Step(1, 0.1);
    EXPECT_NEAR(model.first_[2].item<double>(), c.after_one, 1e-6) << c.name;
    parameters.gradients().fill_(1);
    optimizer->Step(2, 0.1);
    EXPECT_NEAR(model.first_[2].item<double>(), c.after_two, 1e-6) << c.name;
  }
}

TEST(Optimizer, HasNoStateWithoutMomentum) {
  TwoParameters model;
  FlatParameters parameters(model);
  EXPECT_TRUE(MakeOptimizer({}, parameters)->State().empty());
  EXPECT_EQ(MakeOptimizer({.momentum = 0.5}, parameters)->State().size(), 1u);
  EXPECT_EQ(MakeOptimizer({.rule = UpdateRule::kAdamW}, parameters)->State().size(), 2u);
}

}  // namespace
}  // namespace athanor::training
