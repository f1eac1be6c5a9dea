#include <ATen/ops/zeros_like.h>

#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_decay.h"

namespace athanor::training {
namespace {

class RmsProp final : public Optimizer {
 public:
  RmsProp(const OptimizerOptions& options, FlatParameters& parameters)
      : Optimizer(parameters),
        options_(options),
        decay_(options, parameters),
        mean_square_(at::zeros_like(parameters.values())) {
    if (options_.momentum > 0) velocity_ = at::zeros_like(parameters.values());
  }

  std::vector<NamedTensor> State() override {
    if (!velocity_.defined()) return {{"mean_square", mean_square_}};
    return {{"mean_square", mean_square_}, {"velocity", velocity_}};
  }

 private:
  void Update(int64_t /*step*/, double learning_rate) override {
    decay_.AddTo(gradients(), values());
    mean_square_.mul_(options_.rho).addcmul_(gradients(), gradients(), 1 - options_.rho);
    const at::Tensor denominator = mean_square_.sqrt().add_(options_.epsilon);
    if (!velocity_.defined()) {
      values().addcdiv_(gradients(), denominator, -learning_rate);
      return;
    }
    velocity_.mul_(options_.momentum).addcdiv_(gradients(), denominator);
    values().add_(velocity_, -learning_rate);
  }

  OptimizerOptions options_;
  WeightDecay decay_;
  at::Tensor mean_square_;
  at::Tensor velocity_;  // undefined without momentum
};

}  // namespace

std::unique_ptr<Optimizer> MakeRmsProp(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<RmsProp>(options, parameters);
}

}  // namespace athanor::training
