// Everything that a trial is made of while it trains, and its form in a checkpoint.
//
// Sections of a checkpoint (checkpoint_file.h), all numbers little-endian:
//   identity                        text; see TrialIdentity
//   optimizer_step, step            int64: optimiser steps done; the last finished step of the resource
//   elapsed_ms                      int64: training time since the trial's very first step
//   window_loss, window_examples    double, int64: sums of the training loss since the last measurement's boundary
//   best_value                      double: best objective so far
//   best_step, best_optimizer_step  int64: where it was reached; 0 = none yet
//   parameters, buffer/NAME         raw elements of the model's flat parameters and of each buffer
//   best_parameters, best_buffer/NAME   the same of the best model; absent if there is none
//   optimizer/NAME                  raw elements of each state tensor of the update rule
//   rng/cpu, rng/cuda               state of LibTorch's default generator; the second only on a CUDA device
// The schedule and the order of the data need no section: both are functions of the seed and the optimiser step.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/training/models/model.h"
#include "worker/training/optimizers/flat_parameters.h"
#include "worker/training/optimizers/optimizer.h"
#include "worker/training/checkpoints/checkpoint_file.h"

namespace athanor::training {

// The plain numbers of a run.
struct Progress {
  int64_t optimizer_step = 0;
  int64_t step = 0;
  int64_t elapsed_ms = 0;
  double window_loss = 0;  // sum over examples since the window began
  int64_t window_examples = 0;
  double best_value = 0;
  int64_t best_step = 0;  // 0 = no measurement had the objective yet
  int64_t best_optimizer_step = 0;
};

// Not thread-safe. Uses the default generators of the process: at most one of these trains in a process.
class TrainingState {
 public:
  // Seeds the default generators from `seed` alone, then builds model and optimizer, so that nothing depends on what
  // the process did before. `identity`: a text that is equal for attempts of one trial and for nothing else.
  TrainingState(const TrainingOptions& options, const Shape& shape, const at::Device& device, uint64_t seed,
                std::string identity);

  Progress progress;
  Model& model() { return *model_; }
  FlatParameters& parameters() { return *parameters_; }
  Optimizer& optimizer() { return *optimizer_; }

  // Remembers the present weights as the best.
  void KeepBest();
  // Makes the best weights the present ones; without any, leaves the present.
  void RestoreBest();

  CheckpointSections Save();
  // Throws CheckpointError if the sections are not those of this trial; the state is then unchanged.
  void Restore(const CheckpointSections& sections);

 private:
  struct Slot {
    std::string section;
    at::Tensor tensor;
  };
  std::vector<Slot> ModelSlots();
  std::vector<Slot> BestSlots();  // those of ModelSlots with best_ before, if there is a best model
  std::vector<Slot> Slots();      // the model's and the optimizer's

  std::string identity_;
  at::Device device_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<FlatParameters> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  at::Tensor best_parameters_;
  std::vector<NamedTensor> best_buffers_;
};

}  // namespace athanor::training
