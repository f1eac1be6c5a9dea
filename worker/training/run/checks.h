// What can be found out about a configuration before its budget is spent.
#pragma once

#include <cstdint>
#include <functional>

#include "worker/training/data/dataset.h"
#include "worker/training/options/options.h"
#include "worker/training/run/training_state.h"
#include "worker/training/tasks/report_file.h"
#include "worker/training/tasks/task.h"

namespace athanor::training {

// All references must outlive the call.
struct CheckSetting {
  const TrainingOptions& options;
  const Dataset& dataset;
  const Task& task;
  at::Device device;
  uint64_t seed;
  std::function<void()> heartbeat;  // called after every step
};

// Trains on one batch alone, at the peak learning rate and without augmentation, until its loss (without smoothing and
// weights; in training or in evaluation mode, whichever is less) is at most a twentieth of what it was, or 0.01. Throws
// InfeasibleError if 300 steps do not get there: then the network, the loss or the learning rate is at fault, not the
// data. `state` is used up.
void CheckOverfitting(const CheckSetting& setting, TrainingState& state);

// The learning-rate range test (Smith 2017, arXiv:1506.01186, section 3.3): 100 steps whose rate rises exponentially
// from 1/10000 of learning_rate to 10 times it. lr_range.csv: learning_rate, loss (of the batch, before the step). Ends
// early where the loss is not finite or over four times the lowest so far. `state` is used up.
ReportFile LearningRateRange(const CheckSetting& setting, TrainingState& state);

}  // namespace athanor::training
