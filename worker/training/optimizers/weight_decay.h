// What weight decay adds to a step: nothing, all parameters, or only those that are weights.
#pragma once

#include <ATen/core/Tensor.h>

#include "worker/training/optimizers/flat_parameters.h"
#include "worker/training/options/optimizer_options.h"

namespace athanor::training {

// With weight_decay 0 both functions do nothing; with decay_all each is one pass over the parameters without further
// memory. Otherwise a mask of the parameters' size keeps out segments of one dimension at most, which are biases and
// the parameters of norms (He et al. 2019, arXiv:1812.01187, section 3.1).
class WeightDecay {
 public:
  WeightDecay(const OptimizerOptions& options, const FlatParameters& parameters);

  // gradients += weight_decay * values: the gradient of an L2 penalty of weight_decay / 2.
  void AddTo(at::Tensor& gradients, const at::Tensor& values) const;
  // values -= learning_rate * weight_decay * values: decoupled decay (Loshchilov and Hutter 2019, arXiv:1711.05101).
  void Shrink(at::Tensor& values, double learning_rate) const;

 private:
  double decay_;
  at::Tensor decays_;  // 1 for what decays, 0 for the rest; undefined if all does
};

}  // namespace athanor::training
