// What the trainer needs of a network, without LibTorch's module headers: those are slow to compile and stay in the
// files that build networks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/training/options.h"

namespace athanor::training {

enum class Mode { kTraining, kEvaluation };

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// An image classifier. Not thread-safe.
class Model {
 public:
  virtual ~Model() = default;
  // images: float32 [B, 1, H, W]. Returns logits, float32 [B, classes]. In training mode dropout draws from the default
  // generator of the images' device.
  virtual at::Tensor Forward(const at::Tensor& images) = 0;
  virtual void SetMode(Mode mode) = 0;
  // The live tensors, in an order fixed by the options: what is trained, and what else is part of the model (running
  // statistics of batch normalisation).
  virtual std::vector<NamedTensor> Parameters() = 0;
  virtual std::vector<NamedTensor> Buffers() = 0;
};

struct ImageShape {
  int64_t height;
  int64_t width;
  int64_t classes;
};

// Multi-layer perceptron: hidden_layers times (dense, [batch norm], activation, [dropout]), then a dense layer to the
// classes.
std::unique_ptr<Model> MakeMlp(const ModelOptions& options, const ImageShape& shape, const at::Device& device);

// LeNet-5's plan (LeCun et al. 1998) with max pooling and tunable widths: convolution (padded to keep the size), [batch
// norm], 2 x 2 max pooling, activation; convolution (unpadded, twice the channels), [batch norm], pooling, activation;
// [dropout]; dense, [batch norm], activation; [dropout]; dense to the classes. Pooling before the activation gives the
// same for monotone activations and a quarter of the work. Throws InfeasibleError if the images are too small for the
// kernel.
std::unique_ptr<Model> MakeLenet(const ModelOptions& options, const ImageShape& shape, const at::Device& device);

// The model of `options.architecture`, on `device`, initialised by LibTorch's defaults (Kaiming uniform) from the CPU's
// default generator, so that the weights do not depend on the device.
std::unique_ptr<Model> MakeModel(const ModelOptions& options, const ImageShape& shape, const at::Device& device);

}  // namespace athanor::training
