// Update rules against PyTorch's numbers: the problem of reference/make_reference.py again.
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "tests/worker/training/optimizers/parameters_model.h"
#include "tests/worker/training/reference/reference_table.h"
#include "worker/training/optimizers/optimizer.h"

namespace athanor::training {
namespace {

constexpr double kRate = 0.05;
constexpr int64_t kParameters = 5;

const std::map<std::string, OptimizerOptions> kCases = {
    {"sgd", {}},
    {"sgd_l2", {.weight_decay = 0.1}},
    {"momentum", {.momentum = 0.9}},
    {"momentum_l2", {.momentum = 0.9, .weight_decay = 0.1}},
    {"nesterov", {.momentum = 0.9, .nesterov = true}},
    {"nesterov_l2", {.momentum = 0.9, .nesterov = true, .weight_decay = 0.1}},
    {"adagrad", {.rule = UpdateRule::kAdagrad}},
    {"adagrad_l2", {.rule = UpdateRule::kAdagrad, .weight_decay = 0.1}},
    {"rmsprop", {.rule = UpdateRule::kRmsprop, .rho = 0.9}},
    {"rmsprop_momentum", {.rule = UpdateRule::kRmsprop, .momentum = 0.9}},
    {"rmsprop_l2", {.rule = UpdateRule::kRmsprop, .weight_decay = 0.1}},
    {"adam", {.rule = UpdateRule::kAdam}},
    {"adam_l2", {.rule = UpdateRule::kAdam, .beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-3, .weight_decay = 0.1}},
    {"adamw", {.rule = UpdateRule::kAdamW, .weight_decay = 0.1}},
    // Slow weights that follow all the way leave RAdam by itself.
    {"radam", {.rule = UpdateRule::kRanger, .lookahead_alpha = 1}},
    {"radam_short", {.rule = UpdateRule::kRanger, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .lookahead_alpha = 1}},
};

class Problem {
 public:
  explicit Problem(const OptimizerOptions& options)
      : model_({at::tensor({0.5, 1.0, 1.5}, at::kDouble), at::tensor({2.0, 2.5}, at::kDouble)}),
        parameters_(model_),
        optimizer_(MakeOptimizer(options, parameters_)) {}

  void StepTo(int64_t step) {
    while (step_ < step) {
      ++step_;
      for (int64_t i = 0; i < kParameters; ++i) {
        const double curvature = 1 + static_cast<double>(i);
        const double minimum = 1 - 0.5 * static_cast<double>(i);
        model_[Tensor(i)].mutable_grad()[Element(i)] =
            curvature * (Value(i) - minimum) + 0.3 * std::sin(static_cast<double>(i + step_));
      }
      optimizer_->Step(step_, kRate);
    }
  }
  double Value(int64_t i) const { return model_.Value(Tensor(i), Element(i)); }

 private:
  static size_t Tensor(int64_t i) { return i < 3 ? 0 : 1; }
  static int64_t Element(int64_t i) { return i < 3 ? i : i - 3; }

  ParametersModel model_;
  FlatParameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  int64_t step_ = 0;
};

TEST(OptimizerReference, AgreesWithPyTorchOver100Steps) {
  std::map<std::string, Problem> problems;
  int64_t last_step = 0;
  for (const std::vector<std::string>& row : ReadReferenceTable("optimizers.csv").rows) {
    Problem& problem = problems.try_emplace(row[0], kCases.at(row[0])).first->second;
    last_step = std::atoll(row[1].c_str());
    problem.StepTo(last_step);
    for (int64_t i = 0; i < kParameters; ++i) {
      EXPECT_NEAR(problem.Value(i), std::strtod(row[2 + i].c_str(), nullptr), 1e-11)
          << row[0] << " after " << row[1] << " steps, parameter " << i;
    }
  }
  EXPECT_EQ(last_step, 100);
  EXPECT_EQ(problems.size(), kCases.size()) << "a case without numbers";
}

}  // namespace
}  // namespace athanor::training
