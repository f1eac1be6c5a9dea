// A trial's settings as the parts of the trainer want them: parsed from the option table once, checked for combinations
// that cannot work. Meaning, range and default of each option stand in base/trainer_options/, one entry a name; the
// names here are the same, without the prefix that their struct makes superfluous. Defaults here are those of the
// table, so that a part can be tested by itself.
//
// All counts are >= 1 and all shares in [0, 1] unless said otherwise. Plain values: copies are independent, any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/trainer_options.h"
#include "worker/training/options/data_options.h"
#include "worker/training/options/model_options.h"
#include "worker/training/options/optimizer_options.h"
#include "worker/training/options/schedule_options.h"
#include "worker/training/options/task_options.h"

namespace athanor::training {

enum class Precision { kFloat32, kBfloat16, kFloat16 };
enum class OutOfMemory { kFail, kAccumulate };
enum class Check { kNone, kOverfitBatch, kLearningRateRange };

// Where a trial ends by itself, before its resource does (run/early_end.h).
struct EarlyEndOptions {
  int64_t patience = 0;           // measurements; 0 = never
  double min_delta = 0;           // units of the objective; >= 0
  std::optional<double> stop_at;  // of the objective
  double max_train_loss = 0;      // above it the trial has diverged; 0 = no bound
};

struct TrainingOptions {
  DataOptions data;
  Rebalance rebalance = Rebalance::kNone;
  bool prior_bias = false;  // the output layer's bias starts at the classes' log frequencies
  AugmentationOptions augmentation;
  ModelOptions model;
  TransferOptions transfer;
  TaskOptions task;
  DistillationOptions distillation;
  ReportOptions report;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  EarlyEndOptions early_end;
  double gradient_clip_norm = 0;    // of all gradients together, L2; 0 = no clipping
  double gradient_clip_value = 0;   // of each; 0 = no clipping
  double weight_average_decay = 0;  // a step; 0 = no average; [0, 1)
  int64_t batch_size = 128;         // examples an optimiser step
  int64_t accumulation_steps = 1;   // parts of a batch; fewer where batch normalisation would get one of one example
  OutOfMemory out_of_memory = OutOfMemory::kFail;
  Precision precision = Precision::kFloat32;
  Check check = Check::kNone;
  int64_t epochs = 10;                // passes over the training data, where the resource is epochs
  int64_t steps = 1000;               // optimiser steps, where the resource is steps
  int64_t evaluation_interval = 100;  // optimiser steps between evaluations, where the resource is steps
  int threads = 1;                    // on the CPU; a part of the configuration, because sums depend on it
};

// Throws InfeasibleError, naming the option and the value, on an unknown option, a value that its option does not take,
// or a combination that cannot work whatever the data: an even kernel, Nesterov without momentum, a cosine that ends
// above its peak, batch normalisation over batches of one, a loss that is not the task's. What is left out has the
// default of the table. Combinations that depend on the data (a kernel larger than the images, a warm-up longer than
// the run) are found by those who see it. The option `seed` is not among them: the seed is the trial's (run/trainer.h).
TrainingOptions ParseTrainingOptions(const NamedValues& given);

}  // namespace athanor::training
