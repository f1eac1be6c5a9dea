#include "worker/training/optimizers/weight_decay.h"

#include <vector>

namespace athanor::training {

WeightDecay::WeightDecay(const OptimizerOptions& options, const FlatParameters& parameters)
    : decay_(options.weight_decay) {
  if (decay_ == 0 || options.decay_all) return;
  std::vector<double> decays;
  for (const ParameterSegment& segment : parameters.segments()) decays.push_back(segment.dimensions > 1 ? 1 : 0);
  decays_ = parameters.Expand(decays);
}

void WeightDecay::AddTo(at::Tensor& gradients, const at::Tensor& values) const {
  if (decay_ == 0) return;
  if (decays_.defined()) {
    gradients.addcmul_(values, decays_, decay_);
  } else {
    gradients.add_(values, decay_);
  }
}

void WeightDecay::Shrink(at::Tensor& values, double learning_rate) const {
  if (decay_ == 0) return;
  if (decays_.defined()) {
    values.addcmul_(values, decays_, -learning_rate * decay_);
  } else {
    values.mul_(1 - learning_rate * decay_);
  }
}

}  // namespace athanor::training
