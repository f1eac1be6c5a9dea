// Schedules that look at the objective: their place is a few numbers in the checkpoint, not a closed form of the step.
#pragma once

#include <cstdint>
#include <limits>

#include "worker/training/goal.h"
#include "worker/training/options/schedule_options.h"

namespace athanor::training {

// Where a trial with ScheduleShape::kPlateau or kHalveOnPlateau stands. Plain numbers for the checkpoint; with other
// shapes it stays what it is at first.
struct PlateauState {
  double factor = 1;                                       // of the learning rate; (0, 1]
  double best = std::numeric_limits<double>::quiet_NaN();  // NaN: no finite value yet
  int64_t waited = 0;                                      // measurements since `best`, or since the factor fell
  bool finished = false;                                   // the trial ends here, DONE; only kHalveOnPlateau says so
};

// Takes in the objective of one measurement, in the order of measurements; to be called for every one, also during the
// warm-up. PyTorch's ReduceLROnPlateau with threshold_mode rel, cooldown 0 and eps 0:
//   a value is better than `best` by more than plateau_threshold * |best|   ->  it is the best, waited = 0
//   otherwise ++waited; waited > plateau_patience                           ->  factor *= decay_factor, waited = 0
// PyTorch has no absolute value there, which makes a slightly worse value pass for better where the best is negative;
// for positive ones it is the same. The first finite value is always better; one that is not finite never is.
//
// kHalveOnPlateau takes 1/2 for decay_factor, and is finished when the factor falls below 1/1024, at the eleventh fall;
// afterwards nothing changes any more. Other shapes: does nothing.
void ObserveObjective(const ScheduleOptions& options, Goal goal, double value, PlateauState& state);

}  // namespace athanor::training
