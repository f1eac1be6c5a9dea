// The exponential moving average of a model's weights (Polyak and Juditsky 1992; as the teacher of Tarvainen and
// Valpola 2017, arXiv:1703.01780), which often generalises better than the last weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "worker/training/models/model.h"
#include "worker/training/optimizers/flat_parameters.h"

namespace athanor::training {

// average_1 = p_1; average_t = d_t * average_(t-1) + (1 - d_t) * p_t with d_t = min(decay, (1 + t) / (10 + t)), where
// p_t are the parameters after optimiser step t. The smaller decay of the first steps is that of TensorFlow's
// ExponentialMovingAverage with num_updates: without it the random first weights would weigh decay^t, more than a third
// after 1000 steps of decay 0.999. From step (10 * decay - 1) / (1 - decay) on, 8990 for 0.999, decay itself is in
// force.
//
// Buffers (the running statistics of batch normalisation) are not averaged: they are averages already, and stay the
// model's. One pass over the parameters a step. Never waits for the device. Not thread-safe.
class WeightAverage {
 public:
  // 0 < decay < 1. `parameters` must outlive this.
  WeightAverage(double decay, FlatParameters& parameters);

  // Takes in the parameters after optimiser step `step`, counted from 1. Not while swapped.
  void Update(int64_t step);

  // Exchanges the contents of the parameters and of the average; twice gives back every bit of both.
  void Swap();

  // The live state for a checkpoint, of the parameters' shape. While swapped it holds the parameters.
  std::vector<NamedTensor> State();

 private:
  double decay_;
  FlatParameters& parameters_;
  at::Tensor average_;
};

// While it lives, the model has the averaged weights: for measuring and for keeping the best. Nothing if `average` is
// null.
class AveragedWeights {
 public:
  explicit AveragedWeights(WeightAverage* average);
  ~AveragedWeights();
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  WeightAverage* average_;
};

}  // namespace athanor::training
