#include <ATen/ops/zeros_like.h>

#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_decay.h"

namespace athanor::training {
namespace {

class Adagrad final : public Optimizer {
 public:
  Adagrad(const OptimizerOptions& options, FlatParameters& parameters)
      : Optimizer(parameters),
        epsilon_(options.epsilon),
        decay_(options, parameters),
        square_sum_(at::zeros_like(parameters.values())) {}

  std::vector<NamedTensor> State() override { return {{"square_sum", square_sum_}}; }

 private:
  void Update(int64_t /*step*/, double learning_rate) override {
    decay_.AddTo(gradients(), values());
    square_sum_.addcmul_(gradients(), gradients());
    values().addcdiv_(gradients(), square_sum_.sqrt().add_(epsilon_), -learning_rate);
  }

  double epsilon_;
  WeightDecay decay_;
  at::Tensor square_sum_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdagrad(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<Adagrad>(options, parameters);
}

}  // namespace athanor::training
