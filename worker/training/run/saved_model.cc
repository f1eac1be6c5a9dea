#include "worker/training/run/saved_model.h"

#include <c10/core/GradMode.h>

#include <map>
#include <string>

#include "worker/training/checkpoints/checkpoint_file.h"
#include "worker/training/errors.h"
#include "worker/training/models/parameter_layout.h"
#include "worker/training/run/precision.h"
#include "worker/training/run/trial_identity.h"

namespace athanor::training {
namespace {

Precision PrecisionFor(SavedPrecision wanted, Precision trained, const at::Device& device) {
  const bool possible = trained != Precision::kFloat16 || device.is_cuda();
  return wanted == SavedPrecision::kAsTrained && possible ? trained : Precision::kFloat32;
}

void CopyWeights(const std::vector<NamedTensor>& saved, Model& model) {
  const c10::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> by_name;
  for (const NamedTensor& tensor : saved) by_name[tensor.name] = tensor.tensor;
  std::vector<NamedTensor> wanted = model.Parameters();
  for (const NamedTensor& buffer : model.Buffers()) wanted.push_back(buffer);
  for (const NamedTensor& tensor : wanted) {
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end() || found->second.sizes() != tensor.tensor.sizes()) {
      throw CheckpointError("does not hold the tensor " + tensor.name + " of the model that it describes");
    }
    at::Tensor(tensor.tensor).copy_(found->second);
  }
}

// The module is read again, so it has to be the one that was trained.
void CheckModelFile(const std::string& file, const CheckpointSections& sections) {
  if (file.empty()) return;
  const auto identity = sections.find("identity");
  if (identity == sections.end() || identity->second.find(FileIdentity(file)) == std::string::npos) {
    throw CheckpointError("model_file " + file + " has changed since the training");
  }
}

}  // namespace

SavedModel LoadSavedModel(const std::filesystem::path& checkpoint, const at::Device& device, SavedPrecision precision) {
  const CheckpointSections sections = ReadCheckpoint(checkpoint);
  try {
    const auto description = sections.find("description");
    if (description == sections.end()) throw CheckpointError("section description is missing");
    SavedModel saved;
    saved.description = ReadDescription(description->second);
    saved.options = ParseTrainingOptions(saved.description.options);
    CheckModelFile(saved.options.model.model_file, sections);
    const Shape& shape = saved.description.shape;
    saved.model = WithPrecision(MakeModel({saved.options.model, saved.options.task.task, shape}, device),
                                PrecisionFor(precision, saved.options.precision, device), device);
    CopyWeights(TensorsOfCheckpoint(sections), *saved.model);
    saved.model->SetMode(Mode::kEvaluation);
    TaskSpec task;
    task.options = saved.options.task;
    task.shape = shape;
    task.normalization = saved.description.normalization;
    saved.task = MakeTask(task, device);
    return saved;
  } catch (const CheckpointError& error) {
    throw CheckpointError(checkpoint.string() + ": " + error.what());
  }
}

}  // namespace athanor::training
