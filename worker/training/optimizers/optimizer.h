// Update rules over flat parameters (flat_parameters.h). Each is a few passes over one tensor, whatever its device, in
// the parameters' own precision, float32 or float64.
//
// Notation: g gradient, p parameter, t step from 1, and the names of OptimizerOptions. A decay is written as if
// decay_all were true; otherwise biases and the parameters of norms have none (weight_decay.h). "L2" stands for
// g += weight_decay * p before anything else, "decoupled" for p -= rate * weight_decay * p before the update.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "worker/training/models/model.h"
#include "worker/training/optimizers/flat_parameters.h"
#include "worker/training/options/optimizer_options.h"

namespace athanor::training {

// Not thread-safe.
class Optimizer {
 public:
  // `parameters` must outlive this.
  explicit Optimizer(FlatParameters& parameters) : parameters_(parameters) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Applies the gradients, which hold nothing of use afterwards. `step` counts optimiser steps from 1;
  // `learning_rate` >= 0. Does not wait for the device.
  void Step(int64_t step, double learning_rate);

  // From the next step on, each parameter moves by its factor f of what the rule makes of it: before + f * (after -
  // before). 0 freezes: the element keeps every bit and its moments take in a gradient of 0, so that they are clean
  // when it thaws. 1 leaves the rule as it is. Between, f scales the learning rate of the element. (Lookahead's pull to
  // the slow weights is not scaled, only stopped by 0.)
  // `factors`: of the parameters' shape, type and device, in [0, 1], as FlatParameters::Expand makes them; an undefined
  // tensor ends it. While none are set they cost nothing, otherwise some passes over the parameters and their memory
  // once. Not a part of State(): a resumed run sets them again.
  void SetUpdateFactors(const at::Tensor& factors);

  // Zeroes the gradients of frozen elements. Step does so too; before it, a run that clips gradients wants it, so that
  // the norm is that of what is trained.
  void DropFrozenGradients();

  // The live state, in a fixed order: together with `step` all that an interrupted run needs. Each has the parameters'
  // shape.
  virtual std::vector<NamedTensor> State() = 0;

 protected:
  at::Tensor& values() { return parameters_.values(); }
  at::Tensor& gradients() { return parameters_.gradients(); }

 private:
  // The rule. Called without gradient tracking, as is Settle.
  virtual void Update(int64_t step, double learning_rate) = 0;
  // What follows on an update, and takes part in no factor.
  virtual void Settle(int64_t /*step*/) {}

  FlatParameters& parameters_;
  at::Tensor factors_;  // undefined: all 1
  at::Tensor frozen_;   // bool: where factors_ is 0
};

// v = momentum * v + g;  p -= rate * v, or with Nesterov p -= rate * (g + momentum * v) (Sutskever et al. 2013, in
// PyTorch's form: the rate scales the update, not the velocity). L2. No state without momentum.
std::unique_ptr<Optimizer> MakeSgd(const OptimizerOptions& options, FlatParameters& parameters);

// s += g^2;  p -= rate * g / (sqrt(s) + epsilon) (Duchi et al. 2011, the diagonal form), s from 0. L2. PyTorch's
// Adagrad with lr_decay 0.
std::unique_ptr<Optimizer> MakeAdagrad(const OptimizerOptions& options, FlatParameters& parameters);

// s = rho * s + (1 - rho) * g^2;  v = momentum * v + g / (sqrt(s) + epsilon);  p -= rate * v (Tieleman and Hinton 2012,
// in PyTorch's form, not centred), s from 0. L2.
std::unique_ptr<Optimizer> MakeRmsProp(const OptimizerOptions& options, FlatParameters& parameters);

// Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), L2; with UpdateRule::kAdamW decoupled (Loshchilov and Hutter
// 2019, arXiv:1711.05101). As PyTorch's, epsilon is added after the bias correction of the second moment.
std::unique_ptr<Optimizer> MakeAdam(const OptimizerOptions& options, FlatParameters& parameters);

// AdaBelief (Zhuang et al. 2020, arXiv:2010.07468, algorithm 2): Adam whose second moment is of g - m,
//   s = beta2 * s + (1 - beta2) * (g - m)^2 + epsilon;  p -= rate * m^ / (sqrt(s^) + epsilon),
// ^ being the bias correction. As the algorithm has it, epsilon is in s at every step and adds up there, and again in
// the denominator. Decoupled; neither rectified nor with the maximum of AMSGrad, which the authors' code offers too.
std::unique_ptr<Optimizer> MakeAdaBelief(const OptimizerOptions& options, FlatParameters& parameters);

// Ranger: RAdam (Liu et al. 2020, arXiv:1908.03265, algorithm 2; as in PyTorch, the second moment is used only when the
// length of its approximated moving average is above 5, and epsilon is added before its bias correction) inside
// Lookahead (Zhang et al. 2019, arXiv:1907.08610, algorithm 1): every lookahead_steps steps slow += lookahead_alpha *
// (p - slow) and p = slow. Moments are kept there. The slow weights begin as the parameters before step 1. Decoupled.
std::unique_ptr<Optimizer> MakeRanger(const OptimizerOptions& options, FlatParameters& parameters);

// LAMB (You et al. 2020, arXiv:1904.00962, algorithm 2): u = m^ / (sqrt(v^) + epsilon) + weight_decay * p with Adam's
// m^ and v^;  p -= rate * |p| / |u| * u, the norms being L2 over each of the model's parameters by itself (phi is the
// identity). The ratio is 1 where a norm is 0, as in the authors' code.
std::unique_ptr<Optimizer> MakeLamb(const OptimizerOptions& options, FlatParameters& parameters);

// The rule of `options.rule`. `parameters` must outlive the optimizer.
std::unique_ptr<Optimizer> MakeOptimizer(const OptimizerOptions& options, FlatParameters& parameters);

}  // namespace athanor::training
