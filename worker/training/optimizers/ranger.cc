#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_decay.h"

namespace athanor::training {
namespace {

// The second moment is used once its estimate's degrees of freedom exceed this: PyTorch's bound, and in effect that of
// the authors' code. The paper has 4, where the correction is barely defined.
constexpr double kTractableLength = 5;

class Ranger final : public Optimizer {
 public:
  Ranger(const OptimizerOptions& options, FlatParameters& parameters)
      : Optimizer(parameters),
        options_(options),
        decay_(options, parameters),
        first_moment_(at::zeros_like(parameters.values())),
        second_moment_(at::zeros_like(parameters.values())),
        slow_(at::zeros_like(parameters.values())) {}

  std::vector<NamedTensor> State() override {
    return {{"first_moment", first_moment_}, {"second_moment", second_moment_}, {"slow", slow_}};
  }

 private:
  // RAdam, algorithm 2.
  void Update(int64_t step, double learning_rate) override {
    if (step == 1) slow_.copy_(values());
    decay_.Shrink(values(), learning_rate);
    first_moment_.mul_(options_.beta1).add_(gradients(), 1 - options_.beta1);
    second_moment_.mul_(options_.beta2).addcmul_(gradients(), gradients(), 1 - options_.beta2);
    const double count = static_cast<double>(step);
    const double rate = learning_rate / (1 - std::pow(options_.beta1, count));
    const double second_correction = 1 - std::pow(options_.beta2, count);
    const double longest = 2 / (1 - options_.beta2) - 1;
    const double length = longest - 2 * count * (1 - second_correction) / second_correction;
    if (length <= kTractableLength) {
      values().add_(first_moment_, -rate);
      return;
    }
    const double rectification =
        std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));
    values().addcdiv_(first_moment_, second_moment_.sqrt().add_(options_.epsilon),
                      -rate * rectification * std::sqrt(second_correction));
  }

  void Settle(int64_t step) override {
    if (step % options_.lookahead_steps != 0) return;
    slow_.lerp_(values(), options_.lookahead_alpha);
    values().copy_(slow_);
  }

  OptimizerOptions options_;
  WeightDecay decay_;
  at::Tensor first_moment_;
  at::Tensor second_moment_;
  at::Tensor slow_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeRanger(const OptimizerOptions& options, FlatParameters& parameters) {
  return std::make_unique<Ranger>(options, parameters);
}

}  // namespace athanor::training
