#include <ATen/ops/zeros_like.h>

#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_decay.h"

namespace athanor::training {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerOptions& options, FlatParameters& parameters)
      : Optimizer(parameters), options_(options), decay_(options, parameters) {
    if (options_.momentum > 0) velocity_ = at::zeros_like(parameters.values());
  }

  std::vector<NamedTensor> State() override {
    if (!velocity_.defined()) return {};
    return {{"velocity", velocity_}};
  }

 private:
  void Update(int64_t /*step*/, double learning_rate) override {
    decay_.AddTo(gradients(), values());
    if (!velocity_.defined()) {
      values().add_(gradients(), -learning_rate);
      return;
    }
    velocity_.mul_(options_.momentum).add_(gradients());
    if (options_.nesterov) {
      values().add_(gradients().add_(velocity_, options_.momentum), -learning_rate);
    } else {
      values().add_(velocity_, -learning_rate);
    }
  }

  OptimizerOptions options_;
  WeightDecay decay_;
  at::Tensor velocity_;  // undefined without momentum
};

}  // namespace

std::unique_ptr<Optimizer> MakeSgd(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<Sgd>(options, parameters);
}

}  // namespace athanor::training
