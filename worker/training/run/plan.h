// Where in a run of optimiser steps the steps of the study's resource lie: where a mean of the training loss ends,
// where the model is evaluated and its metrics are reported, where the run has to wait for the coordinator's word.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "worker/training/run/trainer.h"

namespace athanor::training {

// Pure arithmetic; O(log holds) at most. Steps of either kind count what is finished, so optimiser step 1 is the first.
class RunPlan {
 public:
  // `steps_per_epoch` >= 1: batches of one pass over the training data. `evaluation_interval` >= 1: optimiser steps
  // between evaluations where the resource is kStep; not looked at where it is kEpoch. `until` >= 1 and `hold_at`,
  // ascending, count the resource.
  RunPlan(Resource resource, int64_t steps_per_epoch, int64_t evaluation_interval, int64_t until,
          std::vector<int64_t> hold_at)
      : resource_(resource),
        steps_per_epoch_(steps_per_epoch),
        evaluation_interval_(evaluation_interval),
        until_(until),
        hold_at_(std::move(hold_at)) {}

  // The last step of the resource.
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
  // Whether the model is evaluated and a measurement reported after this optimiser step: at the end of every window
  // and, where the resource is kStep, at holds and at the end.
  bool Measures(int64_t optimizer_step) const {
    return EndsWindow(optimizer_step) ||
           (resource_ == Resource::kStep && (optimizer_step == until_ || Holds(optimizer_step)));
  }
  // Whether the run waits for the coordinator's word after this step of the resource.
  bool Holds(int64_t step) const { return std::ranges::binary_search(hold_at_, step); }

 private:
  Resource resource_;
  int64_t steps_per_epoch_;
  int64_t evaluation_interval_;
  int64_t until_;
  std::vector<int64_t> hold_at_;
};

}  // namespace athanor::training
