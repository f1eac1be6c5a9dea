#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_decay.h"

namespace athanor::training {
namespace {

class Adam final : public Optimizer {
 public:
  Adam(const OptimizerOptions& options, FlatParameters& parameters)
      : Optimizer(parameters),
        options_(options),
        decay_(options, parameters),
        first_moment_(at::zeros_like(parameters.values())),
        second_moment_(at::zeros_like(parameters.values())) {}

  std::vector<NamedTensor> State() override {
    return {{"first_moment", first_moment_}, {"second_moment", second_moment_}};
  }

 private:
  void Update(int64_t step, double learning_rate) override {
    if (options_.rule == UpdateRule::kAdamW) {
      decay_.Shrink(values(), learning_rate);
    } else {
      decay_.AddTo(gradients(), values());
    }
    first_moment_.mul_(options_.beta1).add_(gradients(), 1 - options_.beta1);
    second_moment_.mul_(options_.beta2).addcmul_(gradients(), gradients(), 1 - options_.beta2);
    const double count = static_cast<double>(step);
    const double first_correction = 1 - std::pow(options_.beta1, count);
    const double second_correction = 1 - std::pow(options_.beta2, count);
    const at::Tensor denominator = second_moment_.sqrt().div_(std::sqrt(second_correction)).add_(options_.epsilon);
    values().addcdiv_(first_moment_, denominator, -learning_rate / first_correction);
  }

  OptimizerOptions options_;
  WeightDecay decay_;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdam(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<Adam>(options, parameters);
}

}  // namespace athanor::training
