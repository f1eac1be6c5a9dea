// Update rules over flat parameters (flat_parameters.h). Each is a few passes over one tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "worker/training/models/model.h"
#include "worker/training/optimizers/flat_parameters.h"
#include "worker/training/options/options.h"

namespace athanor::training {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Applies the gradients in the parameters that it was made with. `step` counts optimiser steps from 1;
  // `learning_rate` >= 0.
  virtual void Step(int64_t step, double learning_rate) = 0;
  // The live state, in a fixed order: together with `step` all that an interrupted run needs. Each has the parameters'
  // shape.
  virtual std::vector<NamedTensor> State() = 0;
};

// v = momentum * v + g + weight_decay * p;  p -= rate * v, or with Nesterov p -= rate * (g + weight_decay * p +
// momentum * v) (Sutskever et al. 2013, in PyTorch's form: the rate scales the update, not the velocity). No state
// without momentum.
std::unique_ptr<Optimizer> MakeSgd(const OptimizerOptions& options, FlatParameters& parameters);

// Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1) with g += weight_decay * p; with UpdateRule::kAdamW the decay
// is p -= rate * weight_decay * p instead (Loshchilov and Hutter 2019, arXiv:1711.05101). As PyTorch's, epsilon is
// added after the bias correction of the second moment.
std::unique_ptr<Optimizer> MakeAdam(const OptimizerOptions& options, FlatParameters& parameters);

// The rule of `options.rule`. `parameters` must outlive the optimizer.
std::unique_ptr<Optimizer> MakeOptimizer(const OptimizerOptions& options, FlatParameters& parameters);

}  // namespace athanor::training
