#include "worker/training/schedules/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "worker/training/errors.h"

namespace athanor::training {

LearningRateSchedule::LearningRateSchedule(const ScheduleOptions& options, int64_t steps_per_epoch,
                                           int64_t horizon_steps)
    : options_(options),
      warmup_steps_(std::llround(options.warmup_epochs * static_cast<double>(steps_per_epoch))),
      decay_steps_(std::max<int64_t>(1, std::llround(options.step_epochs * static_cast<double>(steps_per_epoch)))),
      horizon_steps_(horizon_steps) {
  if (warmup_steps_ > horizon_steps_) {
    throw InfeasibleError("warmup_epochs " + ToString(options.warmup_epochs) + " (" + std::to_string(warmup_steps_) +
                          " optimiser steps) is longer than the run of " + std::to_string(horizon_steps_));
  }
}

double LearningRateSchedule::At(int64_t step) const {
  const double peak = options_.learning_rate;
  if (step < warmup_steps_) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps_);
  const int64_t past = step - warmup_steps_;
  switch (options_.shape) {
    case ScheduleShape::kConstant:
      return peak;
    case ScheduleShape::kStep:
      return peak * std::pow(options_.decay_factor, static_cast<double>(past / decay_steps_));
    case ScheduleShape::kCosine: {
      const int64_t length = std::max<int64_t>(1, horizon_steps_ - warmup_steps_);
      const double part = std::min(static_cast<double>(past) / static_cast<double>(length), 1.0);
      const double low = options_.min_learning_rate;
      return low + (peak - low) * (1 + std::cos(std::numbers::pi * part)) / 2;
    }
  }
  return peak;
}

}  // namespace athanor::training
