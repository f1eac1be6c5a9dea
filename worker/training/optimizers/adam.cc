#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "worker/training/optimizers/optimizer.h"

namespace athanor::training {
namespace {

class Adam final : public Optimizer {
 public:
  Adam(const OptimizerOptions& options, FlatParameters& parameters)
      : options_(options),
        parameters_(parameters),
        first_moment_(at::zeros_like(parameters.values())),
        second_moment_(at::zeros_like(parameters.values())) {}

  void Step(int64_t step, double learning_rate) override {
    const c10::NoGradGuard no_grad;
    at::Tensor& values = parameters_.values();
    at::Tensor& gradients = parameters_.gradients();
    if (options_.weight_decay > 0) {
      if (options_.rule == UpdateRule::kAdamW) {
        values.mul_(1 - learning_rate * options_.weight_decay);
      } else {
        gradients.add_(values, options_.weight_decay);
      }
    }
    first_moment_.mul_(options_.beta1).add_(gradients, 1 - options_.beta1);
    second_moment_.mul_(options_.beta2).addcmul_(gradients, gradients, 1 - options_.beta2);
    const double count = static_cast<double>(step);
    const double first_correction = 1 - std::pow(options_.beta1, count);
    const double second_correction = 1 - std::pow(options_.beta2, count);
    const at::Tensor denominator = second_moment_.sqrt().div_(std::sqrt(second_correction)).add_(options_.epsilon);
    values.addcdiv_(first_moment_, denominator, -learning_rate / first_correction);
  }

  std::vector<NamedTensor> State() override {
    return {{"first_moment", first_moment_}, {"second_moment", second_moment_}};
  }

 private:
  OptimizerOptions options_;
  FlatParameters& parameters_;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdam(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<Adam>(options, parameters);
}

}  // namespace athanor::training
