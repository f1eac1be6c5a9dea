// The learning rate as a closed form of the optimiser step, so that a resumed trial needs no state to find its place.
#pragma once

#include <cstdint>

#include "worker/training/options/options.h"

namespace athanor::training {

// With w warm-up steps, horizon T steps and peak p, step t counted from 0 has
//   t <  w           p * (t + 1) / w                                     linear warm-up, from p / w up to p
//   constant         p
//   step             p * decay_factor ^ floor((t - w) / s)               s = step_epochs in steps
//   cosine           m + (p - m) * (1 + cos(pi * u)) / 2                 u = min((t - w) / (T - w), 1), m =
//   min_learning_rate
//                                                                        (Loshchilov and Hutter 2017, arXiv:1608.03983,
//                                                                        one cycle)
// Epochs are turned into steps by rounding to the nearest, at least 1 for s.
class LearningRateSchedule {
 public:
  // `horizon_steps` >= 1: optimiser steps of the whole run. Throws InfeasibleError if the warm-up is longer than the
  // horizon.
  LearningRateSchedule(const ScheduleOptions& options, int64_t steps_per_epoch, int64_t horizon_steps);

  // The rate for optimiser step `step` >= 0. Past the horizon a cosine stays at its end.
  double At(int64_t step) const;

 private:
  ScheduleOptions options_;
  int64_t warmup_steps_;
  int64_t decay_steps_;
  int64_t horizon_steps_;
};

}  // namespace athanor::training
