#include "worker/training/optimizers/optimizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/worker/training/optimizers/parameters_model.h"

namespace athanor::training {
namespace {

constexpr UpdateRule kRules[] = {UpdateRule::kSgd,   UpdateRule::kAdagrad,   UpdateRule::kRmsprop, UpdateRule::kAdam,
                                 UpdateRule::kAdamW, UpdateRule::kAdaBelief, UpdateRule::kRanger,  UpdateRule::kLamb};

// A model's parameters and the rule that moves them, at rate 0.1.
struct Trained {
  Trained(const OptimizerOptions& options, std::vector<at::Tensor> tensors)
      : model(std::move(tensors)), parameters(model), optimizer(MakeOptimizer(options, parameters)) {}

  // All gradients `gradient`.
  void Step(double gradient) {
    for (const NamedTensor& parameter : model.Parameters()) at::Tensor(parameter.tensor).mutable_grad().fill_(gradient);
    optimizer->Step(++step, 0.1);
  }

  ParametersModel model;
  FlatParameters parameters;
  std::unique_ptr<Optimizer> optimizer;
  int64_t step = 0;
};

std::vector<at::Tensor> Ones(at::ScalarType type = at::kDouble) {
  return {at::full({2, 2}, 1, type), at::full({3}, 1, type)};
}

struct Case {
  const char* name;
  OptimizerOptions options;
  double after_one;
  double after_two;
};

// Parameters of 1, gradient 0.5 in the first step and 1 in the second, rate 0.1.
TEST(Optimizer, MatchesHandComputedSteps) {
  const Case cases[] = {
      {"sgd", {}, 0.95, 0.85},
      // v: 0.5, 0.9 * 0.5 + 1 = 1.45
      {"momentum", {.momentum = 0.9}, 0.95, 0.95 - 0.145},
      // update: 0.5 + 0.9 * 0.5 = 0.95, then 1 + 0.9 * 1.45 = 2.305
      {"nesterov", {.momentum = 0.9, .nesterov = true}, 1 - 0.095, 1 - 0.095 - 0.2305},
      // gradients 0.5 + 0.2 * 1 = 0.7, then 1 + 0.2 * 0.93 = 1.186
      {"sgd with weight decay", {.weight_decay = 0.2}, 0.93, 0.93 - 0.1186},
      // s: 0.25, 1.25
      {"adagrad", {.rule = UpdateRule::kAdagrad}, 0.9, 0.9 - 0.1 / std::sqrt(1.25)},
      // s: 0.01 * 0.25, then 0.99 * 0.0025 + 0.01 = 0.012475
      {"rmsprop", {.rule = UpdateRule::kRmsprop}, 0, -0.1 / std::sqrt(0.012475)},
      // v: 0.5 / 0.05 = 10, then 9 + 1 / sqrt(s)
      {"rmsprop with momentum",
       {.rule = UpdateRule::kRmsprop, .momentum = 0.9},
       0,
       -0.1 * (9 + 1 / std::sqrt(0.012475))},
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
      // g - m: 0.45, then 1 - 0.145 = 0.855; s: 0.001 * 0.2025 + 0.0001 = 0.0003025, whose correction is 0.3025 =
      // 0.55^2, then 0.999 * 0.0003025 + 0.001 * 0.731025 + 0.0001 = 0.0011332225
      {"adabelief",
       {.rule = UpdateRule::kAdaBelief, .epsilon = 1e-4},
       1 - 0.05 / 0.5501,
       1 - 0.05 / 0.5501 - 0.1 * (0.145 / 0.19) / (std::sqrt(0.0011332225 / 0.001999) + 1e-4)},
      // the same, each step from 0.95 of the value
      {"adabelief with weight decay",
       {.rule = UpdateRule::kAdaBelief, .epsilon = 1e-4, .weight_decay = 0.5},
       0.95 - 0.05 / 0.5501,
       0.95 * (0.95 - 0.05 / 0.5501) - 0.1 * (0.145 / 0.19) / (std::sqrt(0.0011332225 / 0.001999) + 1e-4)},
      // length of the moving average: 1, then 1.9995: the corrected first moment alone
      {"ranger before it looks ahead",
       {.rule = UpdateRule::kRanger, .lookahead_steps = 3},
       0.95,
       0.95 - 0.1 * 0.145 / 0.19},
      // a quarter of the way from 1 to there
      {"ranger",
       {.rule = UpdateRule::kRanger, .lookahead_steps = 2, .lookahead_alpha = 0.25},
       0.95,
       1 - 0.25 * (0.05 + 0.1 * 0.145 / 0.19)},
      {"ranger with weight decay",
       {.rule = UpdateRule::kRanger, .weight_decay = 0.5},
       0.95 - 0.05,
       0.95 * 0.9 - 0.1 * 0.145 / 0.19},
      // Where all elements of a parameter are equal, u has its direction whatever the decay: p falls by rate * p.
      {"lamb", {.rule = UpdateRule::kLamb, .weight_decay = 0.5}, 0.9, 0.81},
  };
  for (const Case& c : cases) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      Trained trained(c.options, Ones(type));
      trained.Step(0.5);
      EXPECT_NEAR(trained.model.Value(0, 3), c.after_one, 1e-6) << c.name;
      EXPECT_NEAR(trained.model.Value(1, 2), c.after_one, 1e-6) << c.name;
      trained.Step(1);
      EXPECT_NEAR(trained.model.Value(0, 3), c.after_two, 1e-6) << c.name;
      EXPECT_NEAR(trained.model.Value(1, 2), c.after_two, 1e-6) << c.name;
    }
  }
}

// After one step m^ / sqrt(v^) is 1 in each element, whatever its gradient.
TEST(Lamb, TakesTheTrustRatioOfEachParameterByItself) {
  const auto tensors = [] {
    return std::vector<at::Tensor>{at::tensor({3.0, 4.0}, at::kDouble), at::full({1}, 10, at::kDouble),
                                   at::full({2}, 0, at::kDouble)};
  };
  Trained plain({.rule = UpdateRule::kLamb}, tensors());
  plain.Step(0.5);
  EXPECT_NEAR(plain.model.Value(0, 0), 3 - 0.1 * 5 / std::sqrt(2), 1e-7);
  EXPECT_NEAR(plain.model.Value(0, 1), 4 - 0.1 * 5 / std::sqrt(2), 1e-7);
  EXPECT_NEAR(plain.model.Value(1, 0), 9, 1e-7);
  EXPECT_NEAR(plain.model.Value(2, 0), -0.1, 1e-7) << "without a norm of its own the ratio is 1";
  Trained decaying({.rule = UpdateRule::kLamb, .weight_decay = 1}, tensors());
  decaying.Step(0.5);
  // u = (1 + 3, 1 + 4)
  EXPECT_NEAR(decaying.model.Value(0, 0), 3 - 0.1 * 5 / std::sqrt(41) * 4, 1e-7);
  EXPECT_NEAR(decaying.model.Value(0, 1), 4 - 0.1 * 5 / std::sqrt(41) * 5, 1e-7);
  Trained still({.rule = UpdateRule::kLamb}, tensors());
  still.Step(0);
  EXPECT_EQ(still.model.Value(0, 1), 4) << "without a direction nothing moves";
}

TEST(Optimizer, DecaysNoBiasesAndNormsWhereToldSo) {
  for (const UpdateRule rule : kRules) {
    Trained all({.rule = rule, .weight_decay = 0.5}, Ones());
    Trained weights({.rule = rule, .weight_decay = 0.5, .decay_all = false}, Ones());
    for (int i = 0; i < 2; ++i) {
      all.Step(0);
      weights.Step(0);
    }
    EXPECT_LT(all.model.Value(1, 0), 1) << static_cast<int>(rule);
    EXPECT_EQ(weights.model.Value(1, 0), 1) << static_cast<int>(rule);
    EXPECT_LT(weights.model.Value(0, 0), 1) << static_cast<int>(rule);
    EXPECT_NEAR(weights.model.Value(0, 0), all.model.Value(0, 0), 1e-12) << static_cast<int>(rule);
  }
}

TEST(Optimizer, KeepsAStateThatAnotherGoesOnFrom) {
  for (const UpdateRule rule : kRules) {
    const OptimizerOptions options = {.rule = rule, .momentum = 0.9, .lookahead_steps = 4, .weight_decay = 0.01};
    Trained whole(options, Ones(at::kFloat));
    for (int i = 1; i <= 10; ++i) whole.Step(std::sin(i));
    Trained first(options, Ones(at::kFloat));
    for (int i = 1; i <= 5; ++i) first.Step(std::sin(i));
    Trained second(options, Ones(at::kFloat));
    const c10::NoGradGuard no_grad;
    second.parameters.values().copy_(first.parameters.values());
    const std::vector<NamedTensor> from = first.optimizer->State();
    const std::vector<NamedTensor> to = second.optimizer->State();
    ASSERT_EQ(from.size(), to.size());
    for (size_t i = 0; i < from.size(); ++i) {
      ASSERT_EQ(from[i].tensor.numel(), first.parameters.size());
      at::Tensor(to[i].tensor).copy_(from[i].tensor);
    }
    second.step = 5;
    for (int i = 6; i <= 10; ++i) second.Step(std::sin(i));
    EXPECT_TRUE(at::equal(whole.parameters.values(), second.parameters.values())) << static_cast<int>(rule);
  }
}

TEST(Optimizer, HasNoStateItDoesNotNeed) {
  const std::pair<OptimizerOptions, size_t> table[] = {
      {{}, 0},
      {{.momentum = 0.5}, 1},
      {{.rule = UpdateRule::kAdagrad}, 1},
      {{.rule = UpdateRule::kRmsprop}, 1},
      {{.rule = UpdateRule::kRmsprop, .momentum = 0.5}, 2},
      {{.rule = UpdateRule::kAdamW}, 2},
      {{.rule = UpdateRule::kAdaBelief}, 2},
      {{.rule = UpdateRule::kRanger}, 3},
      {{.rule = UpdateRule::kLamb}, 2},
  };
  for (const auto& [options, count] : table) {
    EXPECT_EQ(Trained(options, Ones()).optimizer->State().size(), count) << static_cast<int>(options.rule);
  }
}

TEST(Optimizer, StartsFromWeightsThatWereLoadedAfterItWasMade) {
  Trained trained({.rule = UpdateRule::kRanger, .lookahead_steps = 1, .lookahead_alpha = 0.5}, Ones());
  {
    const c10::NoGradGuard no_grad;
    trained.parameters.values().fill_(3);
  }
  trained.Step(1);
  EXPECT_NEAR(trained.model.Value(0, 0), 3 - 0.05, 1e-12);
}

std::vector<at::Tensor> ThreeTens(at::ScalarType type = at::kDouble) {
  return {at::full({2}, 10, type), at::full({2}, 10, type), at::full({2}, 10, type)};
}

void ExpectFactorsObeyed(UpdateRule rule, at::ScalarType type) {
  SCOPED_TRACE(static_cast<int>(rule));
  const OptimizerOptions options = {.rule = rule, .weight_decay = 0.01};
  Trained free(options, ThreeTens(type));
  Trained scaled(options, ThreeTens(type));
  scaled.optimizer->SetUpdateFactors(scaled.parameters.Expand({0, 1, 0.5}));
  free.Step(0.5);
  scaled.Step(0.5);
  const double moved = free.model.Value(0, 0);
  ASSERT_LT(moved, 10);
  EXPECT_EQ(scaled.model.Value(0, 0), 10);
  EXPECT_EQ(scaled.model.Value(1, 1), moved);
  EXPECT_NEAR(scaled.model.Value(2, 0), (10 + moved) / 2, 1e-6);
  for (int i = 0; i < 12; ++i) {  // Lookahead moves twice meanwhile
    free.Step(std::sin(i));
    scaled.Step(std::sin(i));
  }
  EXPECT_EQ(scaled.model.Value(0, 1), 10);
  EXPECT_EQ(scaled.model.Value(1, 0), free.model.Value(1, 0));
}

TEST(UpdateFactors, FreezeAtZeroChangeNothingAtOneAndScaleBetween) {
  for (const UpdateRule rule : kRules) {
    ExpectFactorsObeyed(rule, at::kFloat);
    ExpectFactorsObeyed(rule, at::kDouble);
  }
}

TEST(UpdateFactors, LeaveAFrozenParameterItsFirstStepUntilItThaws) {
  for (const UpdateRule rule : {UpdateRule::kSgd, UpdateRule::kAdagrad, UpdateRule::kRmsprop, UpdateRule::kRanger}) {
    const OptimizerOptions options = {.rule = rule, .momentum = 0.9, .lookahead_steps = 1};
    Trained fresh(options, ThreeTens());
    fresh.Step(0.5);
    Trained thawed(options, ThreeTens());
    thawed.optimizer->SetUpdateFactors(thawed.parameters.Expand({0, 1, 1}));
    thawed.Step(std::numeric_limits<double>::infinity());
    for (const NamedTensor& state : thawed.optimizer->State()) {
      EXPECT_EQ(state.tensor[0].item<double>(), state.name == "slow" ? 10 : 0) << state.name;
    }
    thawed.optimizer->SetUpdateFactors({});
    thawed.step = 0;
    thawed.Step(0.5);
    EXPECT_EQ(thawed.model.Value(0, 0), fresh.model.Value(0, 0)) << static_cast<int>(rule);
  }
}

TEST(UpdateFactors, KeepFrozenGradientsOutOfTheNorm) {
  Trained trained({}, ThreeTens());
  trained.parameters.gradients().fill_(1);
  trained.optimizer->DropFrozenGradients();
  EXPECT_EQ(trained.parameters.gradients().sum().item<double>(), trained.parameters.size());
  trained.optimizer->SetUpdateFactors(trained.parameters.Expand({0, 0.5, 1}));
  trained.optimizer->DropFrozenGradients();
  EXPECT_EQ(trained.parameters.GradientNorm().item<double>(), 2) << "of four elements of 1";
}

}  // namespace
}  // namespace athanor::training
