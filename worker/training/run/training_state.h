// Everything that a trial is made of while it trains, and its form in a checkpoint.
//
// Sections of a checkpoint (checkpoints/checkpoint_file.h), all numbers little-endian:
//   identity                        text (trial_identity.h)
//   description, layout             text: what the model is and how its tensors lie (checkpoints/description.h,
//                                   models/parameter_layout.h)
//   each number of Progress         int64 or double, by its name; those of a struct within it as STRUCT/NAME
//   parameters, buffer/NAME         raw elements of the model's flat parameters and of each buffer
//   best_parameters, best_buffer/NAME   the same of the best model; absent if there is none
//   optimizer/NAME, average/NAME    raw elements of each state tensor of the update rule and of the weight average
//   rng/cpu, rng/cuda               state of LibTorch's default generator; the second only on a CUDA device
// The schedule, the order of the data and augmentation need no section: they are functions of the seed and the
// optimiser step.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/training/checkpoints/checkpoint_file.h"
#include "worker/training/checkpoints/description.h"
#include "worker/training/data/dataset.h"
#include "worker/training/models/model.h"
#include "worker/training/optimizers/flat_parameters.h"
#include "worker/training/optimizers/optimizer.h"
#include "worker/training/optimizers/weight_average.h"
#include "worker/training/options/options.h"
#include "worker/training/run/early_end.h"
#include "worker/training/run/precision.h"
#include "worker/training/schedules/plateau.h"

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
  int64_t batch_parts = 1;  // BatchParts
  PlateauState plateau;
  EarlyEndState early_end;
  LossScale loss_scale;
};

// What a trial starts from where no checkpoint of it is gone on from.
enum class Start { kFresh, kCheckpoint };

// Not thread-safe. Uses the default generators of the process: at most one of these trains in a process.
class TrainingState {
 public:
  // Seeds the default generators from `seed` alone, then builds model and optimizer, so that nothing depends on what
  // the process did before. With Start::kFresh pretrained weights and prior_bias are applied; what was taken over is
  // said in `notes`, a line each. `identity`: a text that is equal for attempts of one trial and for nothing else.
  TrainingState(const TrainingOptions& options, const Dataset& dataset, const at::Device& device, uint64_t seed,
                std::string identity, const NamedValues& given, Start start, std::vector<std::string>& notes);

  Progress progress;
  Model& model() { return *model_; }
  FlatParameters& parameters() { return *parameters_; }
  Optimizer& optimizer() { return *optimizer_; }
  WeightAverage* average() { return average_.get(); }  // null if there is none

  // Remembers the present weights as the best.
  void KeepBest();
  // Makes the best weights the present ones; without any, the averaged ones; without these, leaves the present.
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
  std::vector<Slot> Slots();      // the model's, the optimizer's and the average's

  std::string identity_;
  std::string description_;
  at::Device device_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<FlatParameters> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<WeightAverage> average_;
  at::Tensor best_parameters_;
  std::vector<NamedTensor> best_buffers_;
};

}  // namespace athanor::training
