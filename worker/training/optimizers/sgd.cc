#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include "worker/training/optimizers/optimizer.h"

namespace athanor::training {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerOptions& options, FlatParameters& parameters) : options_(options), parameters_(parameters) {
    if (options_.momentum > 0) velocity_ = at::zeros_like(parameters_.values());
  }

  void Step(int64_t /*step*/, double learning_rate) override {
    const c10::NoGradGuard no_grad;
    at::Tensor& gradients = parameters_.gradients();
    if (options_.weight_decay > 0) gradients.add_(parameters_.values(), options_.weight_decay);
    if (!velocity_.defined()) {
      parameters_.values().add_(gradients, -learning_rate);
      return;
    }
    velocity_.mul_(options_.momentum).add_(gradients);
    if (options_.nesterov) {
      parameters_.values().add_(gradients.add_(velocity_, options_.momentum), -learning_rate);
    } else {
      parameters_.values().add_(velocity_, -learning_rate);
    }
  }

  std::vector<NamedTensor> State() override {
    if (!velocity_.defined()) return {};
    return {{"velocity", velocity_}};
  }

 private:
  OptimizerOptions options_;
  FlatParameters& parameters_;
  at::Tensor velocity_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeSgd(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<Sgd>(options, parameters);
}

}  // namespace athanor::training
