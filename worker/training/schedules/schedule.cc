#include "worker/training/schedules/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "base/value.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// Milestones have no upper bound of their own; what is beyond any run is not reached.
int64_t InSteps(double epochs, int64_t steps_per_epoch) {
  return std::max<int64_t>(1, std::llround(std::min(epochs * static_cast<double>(steps_per_epoch), 0x1p62)));
}

// Half a cosine from `start` at share 0 to `end` at share 1.
double Anneal(double start, double end, double share) {
  return end + (start - end) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

}  // namespace

LearningRateSchedule::LearningRateSchedule(const ScheduleOptions& options, int64_t steps_per_epoch,
                                           int64_t horizon_steps)
    : options_(options),
      steps_per_epoch_(steps_per_epoch),
      warmup_steps_(std::llround(options.warmup_epochs * static_cast<double>(steps_per_epoch))),
      shape_steps_(std::max<int64_t>(1, horizon_steps - warmup_steps_)),
      decay_steps_(InSteps(options.step_epochs, steps_per_epoch)),
      restart_steps_(InSteps(options.restart_epochs, steps_per_epoch)) {
  if (warmup_steps_ > horizon_steps) {
    throw InfeasibleError("warmup_epochs " + ToString(options.warmup_epochs) + " (" + std::to_string(warmup_steps_) +
                          " optimiser steps) is longer than the run of " + std::to_string(horizon_steps));
  }
  for (const double epoch : options.milestones) milestone_steps_.push_back(InSteps(epoch, steps_per_epoch));
}

double LearningRateSchedule::At(int64_t step, double plateau_factor) const {
  const double rate = step < warmup_steps_
                          ? ShapeAt(0) * static_cast<double>(step + 1) / static_cast<double>(warmup_steps_)
                          : ShapeAt(step - warmup_steps_);
  // A rate that is below the minimum by itself, in the warm-up, is not raised to it.
  return std::max(rate * plateau_factor, std::min(rate, options_.min_learning_rate));
}

double LearningRateSchedule::ShapeAt(int64_t steps) const {
  const double peak = options_.learning_rate;
  const double low = options_.min_learning_rate;
  switch (options_.shape) {
    case ScheduleShape::kConstant:
    case ScheduleShape::kPlateau:
    case ScheduleShape::kHalveOnPlateau:
      return peak;
    case ScheduleShape::kStep:
      return Decayed(steps / decay_steps_);
    case ScheduleShape::kMultistep:
      return Decayed(std::upper_bound(milestone_steps_.begin(), milestone_steps_.end(), steps) -
                     milestone_steps_.begin());
    case ScheduleShape::kExponential:
      return Decayed(steps / steps_per_epoch_);
    case ScheduleShape::kCosine:
      return Anneal(peak, low, ShareOfRun(steps));
    case ScheduleShape::kWarmRestarts:
      return WarmRestarts(steps);
    case ScheduleShape::kOneCycle:
      return OneCycle(steps);
    case ScheduleShape::kPolynomial:
      return low + (peak - low) * std::pow(1 - ShareOfRun(steps), options_.decay_power);
  }
  return peak;
}

double LearningRateSchedule::WarmRestarts(int64_t steps) const {
  int64_t length = restart_steps_;
  if (options_.restart_factor == 1) {
    steps %= length;
  } else {
    while (steps >= length) {
      steps -= length;
      length *= options_.restart_factor;
    }
  }
  return Anneal(options_.learning_rate, options_.min_learning_rate,
                static_cast<double>(steps) / static_cast<double>(length));
}

double LearningRateSchedule::OneCycle(int64_t steps) const {
  const double peak = options_.learning_rate;
  const double first = peak / options_.initial_divisor;
  const double last = first / options_.final_divisor;
  const double end = static_cast<double>(shape_steps_ - 1);
  const double peak_at = std::max(0.0, options_.peak_fraction * static_cast<double>(shape_steps_) - 1);
  const double at = std::min(static_cast<double>(steps), end);
  if (at < peak_at) return Anneal(first, peak, at / peak_at);
  return at > peak_at ? Anneal(peak, last, (at - peak_at) / (end - peak_at)) : peak;
}

double LearningRateSchedule::Decayed(int64_t times) const {
  return options_.learning_rate * std::pow(options_.decay_factor, static_cast<double>(times));
}

double LearningRateSchedule::ShareOfRun(int64_t steps) const {
  return std::min(static_cast<double>(steps) / static_cast<double>(shape_steps_), 1.0);
}

}  // namespace athanor::training
