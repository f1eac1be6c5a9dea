// What the trainer needs of a network, without LibTorch's module headers: those are slow to compile and stay in the
// files that build networks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/training/data/shape.h"
#include "worker/training/options/model_options.h"
#include "worker/training/options/task_options.h"

namespace athanor::training {

enum class Mode { kTraining, kEvaluation };

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// Not thread-safe.
class Model {
 public:
  virtual ~Model() = default;
  // inputs: a batch's (data/dataset.h). Returns float32 [B, outputs]: logits, or numbers for regression; for
  // reconstruction the shape of the inputs. In training mode dropout draws from the default generator of the device.
  virtual at::Tensor Forward(const at::Tensor& inputs) = 0;
  virtual void SetMode(Mode mode) = 0;
  // Moves all tensors; those that Parameters and Buffers gave before are not the model's afterwards.
  virtual void MoveTo(const at::Device& device) = 0;
  // The live tensors, in an order fixed by the options: what is trained, and what else is part of the model (running
  // statistics of batch normalisation). Names are unique, parts joined by dots.
  virtual std::vector<NamedTensor> Parameters() = 0;
  virtual std::vector<NamedTensor> Buffers() = 0;
  // The name, dot included, that begins the names of the last layer's parameters: what freeze_epochs trains first and
  // what has another size where there are other classes. For reconstruction that is the decoder. Empty if the model
  // does not tell.
  virtual std::string HeadPrefix() const = 0;
};

struct ModelSpec {
  ModelOptions options;
  TaskKind task = TaskKind::kClassification;
  Shape shape;
};

// Whether the model normalises over the examples of a batch, so that a batch of one cannot be trained on. Of a
// TorchScript module, where one cannot tell: yes.
bool NormalizesOverBatch(const ModelOptions& options);

// The model of `spec.options.architecture` (architectures.h), on `device`. Its weights are drawn on the CPU, from the
// default generator there, so that they do not depend on the device.
//
// Throws InfeasibleError, naming the option and the sizes, if the inputs are not of the model's kind, too small for it,
// or its layers too wide; DataError if a model_file cannot be read.
std::unique_ptr<Model> MakeModel(const ModelSpec& spec, const at::Device& device);

}  // namespace athanor::training
