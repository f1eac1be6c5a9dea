#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_decay.h"

namespace athanor::training {
namespace {

class AdaBelief final : public Optimizer {
 public:
  AdaBelief(const OptimizerOptions& options, FlatParameters& parameters)
      : Optimizer(parameters),
        options_(options),
        decay_(options, parameters),
        first_moment_(at::zeros_like(parameters.values())),
        deviation_(at::zeros_like(parameters.values())) {}

  std::vector<NamedTensor> State() override { return {{"first_moment", first_moment_}, {"deviation", deviation_}}; }

 private:
  void Update(int64_t step, double learning_rate) override {
    decay_.Shrink(values(), learning_rate);
    first_moment_.mul_(options_.beta1).add_(gradients(), 1 - options_.beta1);
    const at::Tensor residual = gradients().sub_(first_moment_);
    deviation_.mul_(options_.beta2).addcmul_(residual, residual, 1 - options_.beta2).add_(options_.epsilon);
    const double count = static_cast<double>(step);
    const double first_correction = 1 - std::pow(options_.beta1, count);
    const double second_correction = 1 - std::pow(options_.beta2, count);
    const at::Tensor denominator = deviation_.sqrt().div_(std::sqrt(second_correction)).add_(options_.epsilon);
    values().addcdiv_(first_moment_, denominator, -learning_rate / first_correction);
  }

  OptimizerOptions options_;
  WeightDecay decay_;
  at::Tensor first_moment_;
  at::Tensor deviation_;  // s: mean square of the gradients' distance from first_moment_
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdaBelief(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<AdaBelief>(options, parameters);
}

}  // namespace athanor::training
