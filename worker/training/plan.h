// Where in a run of optimiser steps the steps of the study's resource lie.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "worker/training/trainer.h"

namespace athanor::training {

// Pure arithmetic. Steps of either kind count what is finished.
class RunPlan {
 public:
  RunPlan(Resource resource, int64_t steps_per_epoch, int64_t evaluation_interval, int64_t until,
          std::vector<int64_t> hold_at)
      : resource_(resource),
        steps_per_epoch_(steps_per_epoch),
        evaluation_interval_(evaluation_interval),
        until_(until),
        hold_at_(std::move(hold_at)) {}

  int64_t until() const { return until_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  int64_t total_optimizer_steps() const { return resource_ == Resource::kEpoch ? until_ * steps_per_epoch_ : until_; }

  // The resource step that was finished last after `optimizer_step` optimiser steps.
  int64_t FinishedStep(int64_t optimizer_step) const {
    return resource_ == Resource::kEpoch ? optimizer_step / steps_per_epoch_ : optimizer_step;
  }
  // The resource step that optimiser step `optimizer_step` >= 1 belongs to, finished or not.
  int64_t StepInProgress(int64_t optimizer_step) const {
    return resource_ == Resource::kEpoch ? (optimizer_step + steps_per_epoch_ - 1) / steps_per_epoch_ : optimizer_step;
  }
  // True where the mean training loss begins anew.
  bool EndsWindow(int64_t optimizer_step) const {
    return optimizer_step % (resource_ == Resource::kEpoch ? steps_per_epoch_ : evaluation_interval_) == 0;
  }
  bool Measures(int64_t optimizer_step) const {
    return EndsWindow(optimizer_step) ||
           (resource_ == Resource::kStep && (optimizer_step == until_ || Holds(optimizer_step)));
  }
  // `step` counts the resource.
  bool Holds(int64_t step) const { return std::ranges::binary_search(hold_at_, step); }

 private:
  Resource resource_;
  int64_t steps_per_epoch_;
  int64_t evaluation_interval_;
  int64_t until_;
  std::vector<int64_t> hold_at_;
};

}  // namespace athanor::training
