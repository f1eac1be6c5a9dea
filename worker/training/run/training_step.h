// One optimiser step: from the examples of a batch to changed weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "worker/training/data/augmentation.h"
#include "worker/training/data/dataset.h"
#include "worker/training/options/options.h"
#include "worker/training/run/batch_parts.h"
#include "worker/training/run/teacher.h"
#include "worker/training/run/training_state.h"
#include "worker/training/schedules/schedule.h"
#include "worker/training/tasks/task.h"

namespace athanor::training {

// What a step did. The tensors have no dimensions and lie on the training device: reading them waits for it.
struct StepOutcome {
  at::Tensor loss;           // mean training loss over the batch, before the step
  at::Tensor gradient_norm;  // of all gradients, before clipping; undefined unless asked for
  double learning_rate = 0;
};

enum class GradientNorm { kSkip, kMeasure };

// Not thread-safe. All that it was made with must outlive it.
class TrainingStep {
 public:
  // `freeze_steps`: optimiser steps in which the head alone is trained. `teacher`: null without distillation.
  TrainingStep(const TrainingOptions& options, const Dataset& dataset, const Task& task, Teacher* teacher,
               const LearningRateSchedule& schedule, int64_t freeze_steps, uint64_t seed, const at::Device& device);

  // Trains on the examples `indices` (int64 [B]) of the training part and moves state.progress on by one optimiser
  // step. On a CPU a function of the state, the indices and the seed alone. If device memory runs out, and the options
  // say so, divides the batch until it fits; else lets the error pass. Where fp16 made gradients that are not finite no
  // weight changes, and neither the optimiser nor the average counts the step. Throws InfeasibleError if the head is to
  // be trained alone, or by another rate, and the model does not tell which it is.
  StepOutcome Run(const at::Tensor& indices, TrainingState& state, GradientNorm norm);

  // The examples as the model would get them in a step after `optimizer_step` others, as the part of the batch that
  // begins at `start`.
  Batch Inputs(const at::Tensor& indices, int64_t optimizer_step, int64_t start) const;

 private:
  // The parts of the state's batches; those of a model with batch normalisation have two examples or more.
  BatchParts Parts(const TrainingState& state) const;
  // The batch's loss, its gradients in the state's parameters.
  at::Tensor Backward(const at::Tensor& indices, TrainingState& state);
  at::Tensor Loss(const Batch& batch, TrainingState& state) const;
  void ThawIfDue(TrainingState& state);
  // Takes the loss scale out of the gradients. False if they are of no use.
  bool Unscale(TrainingState& state) const;

  const TrainingOptions& options_;
  const Dataset& dataset_;
  const Task& task_;
  Teacher* teacher_;
  const LearningRateSchedule& schedule_;
  int64_t freeze_steps_;
  uint64_t seed_;
  at::Device device_;
  Augmentation augmentation_;
  bool factors_set_ = false;
};

}  // namespace athanor::training
