#include "worker/training/optimizers/weight_average.h"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace athanor::training {

WeightAverage::WeightAverage(double decay, FlatParameters& parameters)
    : decay_(decay), parameters_(parameters), average_(parameters.values().clone()) {}

void WeightAverage::Update(int64_t step) {
  const c10::NoGradGuard no_grad;
  if (step == 1) {
    average_.copy_(parameters_.values());
    return;
  }
  const double count = static_cast<double>(step);
  const double decay = std::min(decay_, (1 + count) / (10 + count));
  average_.lerp_(parameters_.values(), 1 - decay);
}

void WeightAverage::Swap() {
  const c10::NoGradGuard no_grad;
  // By contents: the model's parameters are views of the memory that they lie in.
  const at::Tensor values = parameters_.values().clone();
  parameters_.values().copy_(average_);
  average_.copy_(values);
}

std::vector<NamedTensor> WeightAverage::State() { return {{"weight_average", average_}}; }

AveragedWeights::AveragedWeights(WeightAverage* average) : average_(average) {
  if (average_ != nullptr) average_->Swap();
}

AveragedWeights::~AveragedWeights() {
  if (average_ != nullptr) average_->Swap();
}

}  // namespace athanor::training
