// A trained model as its checkpoint tells of it, without the study and the data that it came from.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>

#include "worker/training/checkpoints/description.h"
#include "worker/training/models/model.h"
#include "worker/training/options/options.h"
#include "worker/training/tasks/task.h"

namespace athanor::training {

struct SavedModel {
  ModelDescription description;
  TrainingOptions options;
  std::unique_ptr<Model> model;  // in evaluation mode
  std::unique_ptr<Task> task;
};

// kAsTrained: as mixed as in training, so that it answers as it did there; but fp16, which a CPU has not, in 32 bits.
enum class SavedPrecision { kAsTrained, kFloat32 };

// The best model of a trial's checkpoint, or the last if there is no best, on `device`. Throws CheckpointError naming
// the file if it is not a checkpoint with a description, or its weights are not those of the model described; the
// errors of MakeModel.
SavedModel LoadSavedModel(const std::filesystem::path& checkpoint, const at::Device& device, SavedPrecision precision);

}  // namespace athanor::training
