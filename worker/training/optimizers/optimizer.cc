#include "worker/training/optimizers/optimizer.h"

#include <ATen/ops/lerp.h>
#include <ATen/ops/where.h>
#include <c10/core/GradMode.h>

namespace athanor::training {

void Optimizer::Step(int64_t step, double learning_rate) {
  const c10::NoGradGuard no_grad;
  if (!factors_.defined()) {
    Update(step, learning_rate);
    Settle(step);
    return;
  }
  DropFrozenGradients();
  const at::Tensor before = values().clone();
  Update(step, learning_rate);
  values().copy_(at::lerp(before, values(), factors_));
  Settle(step);
  // Also where the update is not finite, and where Lookahead would pull.
  values().copy_(at::where(frozen_, before, values()));
}

void Optimizer::SetUpdateFactors(const at::Tensor& factors) {
  factors_ = factors;
  frozen_ = factors.defined() ? factors.eq(0) : at::Tensor();
}

void Optimizer::DropFrozenGradients() {
  if (frozen_.defined()) gradients().masked_fill_(frozen_, 0);
}

std::unique_ptr<Optimizer> MakeOptimizer(const OptimizerOptions& options, FlatParameters& parameters) {
  switch (options.rule) {
    case UpdateRule::kSgd:
      return MakeSgd(options, parameters);
    case UpdateRule::kAdagrad:
      return MakeAdagrad(options, parameters);
    case UpdateRule::kRmsprop:
      return MakeRmsProp(options, parameters);
    case UpdateRule::kAdaBelief:
      return MakeAdaBelief(options, parameters);
    case UpdateRule::kRanger:
      return MakeRanger(options, parameters);
    case UpdateRule::kLamb:
      return MakeLamb(options, parameters);
    case UpdateRule::kAdam:
    case UpdateRule::kAdamW:
      break;
  }
  return MakeAdam(options, parameters);
}

}  // namespace athanor::training
