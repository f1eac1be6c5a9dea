// The learning rate as a closed form of the optimiser step, so that a resumed trial needs no state to find its place.
// (Two schedules look at the objective as well: plateau.h.)
#pragma once

#include <cstdint>
#include <vector>

#include "worker/training/options/schedule_options.h"

namespace athanor::training {

// Peak p = learning_rate, low m = min_learning_rate; E steps an epoch, horizon of T steps, w of them warm-up. Step
// t < w, counted from 0, has S(0) * (t + 1) / w: linear, and at the first rate of the shape in its last step (Goyal et
// al. 2017, arXiv:1706.02677, section 2.2). Afterwards the rate is S(x) with x = t - w, so every boundary counts from
// the end of the warm-up; L = T - w steps are left, and u = min(x / L, 1).
//
//   constant                     p
//   plateau, halve_on_plateau    p, times the factor of plateau.h, but not below m
//   step                         p * decay_factor ^ floor(x / s)                         s = step_epochs
//   multistep                    p * decay_factor ^ (how many milestones are <= x)
//   exponential                  p * decay_factor ^ floor(x / E): once an epoch, as PyTorch's ExponentialLR
//   cosine                       m + (p - m) * (1 + cos(pi * u)) / 2                     (Loshchilov and Hutter 2017,
//                                                                                        arXiv:1608.03983, one cycle)
//   warm_restarts                m + (p - m) * (1 + cos(pi * c / l)) / 2                 (the same paper, equation 5)
//     cycle i = 0, 1, ... has l = T_0 * restart_factor ^ i steps, T_0 = restart_epochs; c counts from its start; what
//     PyTorch's CosineAnnealingWarmRestarts gives when it is stepped with every batch
//   one_cycle                    from p / d to p at x = e, then to p / d / f at x = L - 1, each by half a cosine
//     d = initial_divisor, f = final_divisor, e = max(peak_fraction * L - 1, 0) (Smith and Topin 2018,
//     arXiv:1708.07120, in the form of PyTorch's OneCycleLR: two phases, cosine); momentum is left alone
//   polynomial                   m + (p - m) * (1 - u) ^ decay_power                     (Chen et al. 2018,
//                                                                                        arXiv:1606.00915)
// Epochs are turned into steps by rounding to the nearest, at least 1 but for the warm-up.
class LearningRateSchedule {
 public:
  // `steps_per_epoch` >= 1; `horizon_steps` >= 1: optimiser steps of the whole run. Throws InfeasibleError if the
  // warm-up is longer than the horizon.
  LearningRateSchedule(const ScheduleOptions& options, int64_t steps_per_epoch, int64_t horizon_steps);

  // The rate for optimiser step `step` >= 0. Past the horizon, cosine, one_cycle and polynomial stay at their end.
  // `plateau_factor` in (0, 1]: that of PlateauState. It multiplies the rate, but takes none below min_learning_rate.
  double At(int64_t step, double plateau_factor = 1) const;

 private:
  double ShapeAt(int64_t steps) const;  // S
  double WarmRestarts(int64_t steps) const;
  double OneCycle(int64_t steps) const;
  // A number of decays by decay_factor.
  double Decayed(int64_t times) const;
  double ShareOfRun(int64_t steps) const;  // u

  ScheduleOptions options_;
  int64_t steps_per_epoch_;
  int64_t warmup_steps_;
  int64_t shape_steps_;                   // L, at least 1
  int64_t decay_steps_;                   // s
  int64_t restart_steps_;                 // T_0
  std::vector<int64_t> milestone_steps_;  // ascending
};

}  // namespace athanor::training
