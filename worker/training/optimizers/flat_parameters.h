// All parameters of a model in one tensor, and all gradients in another.
//
// An update, a copy, a norm or a checkpoint is then one pass over contiguous memory, where a loop over the parameters
// would launch several small operations for each: on networks of this size that overhead is what an optimiser step
// costs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "worker/training/models/model.h"

namespace athanor::training {

// Where one of the model's parameters lies in the flat tensors.
struct ParameterSegment {
  std::string name;
  int64_t start = 0;  // elements
  int64_t count = 0;
  int64_t dimensions = 0;  // at most 1 for biases and the parameters of norms
};

class FlatParameters {
 public:
  // Moves the model's parameters into one tensor, of which they become views, and gives each a gradient that is a view
  // of another. The model's parameters must be float32, or all float64, dense, on one device, and must not be replaced
  // while this object lives.
  explicit FlatParameters(Model& model);

  // [size()], of the parameters' type. Parameters start at multiples of 64 bytes; the gaps stay 0 in values and
  // gradients.
  at::Tensor& values() { return values_; }
  at::Tensor& gradients() { return gradients_; }
  int64_t size() const { return values_.numel(); }
  // In the model's order; the gap between two of them is of less than 16 elements.
  const std::vector<ParameterSegment>& segments() const { return segments_; }

  // A number for each segment as one for each of its elements: [size()], of the parameters' type and device; gaps are
  // 0. For masks and factors, made once: a small operation for each segment.
  at::Tensor Expand(const std::vector<double>& of_segments) const;

  void ZeroGradients();

  // The functions below do not wait for the device.

  // The global L2 norm of the gradients, a tensor without dimensions on their device: reading it waits.
  at::Tensor GradientNorm() const;
  // Scales the gradients so that their global L2 norm is at most `max_norm` (Pascanu et al. 2013, arXiv:1211.5063): by
  // min(1, max_norm / (norm + 1e-6)), as PyTorch's clip_grad_norm_ does. Returns the norm that they had, as
  // GradientNorm. A non-finite norm makes the gradients non-finite.
  at::Tensor ClipGradientNorm(double max_norm);
  // Moves each gradient into [-max_magnitude, max_magnitude], as PyTorch's clip_grad_value_. NaN stays.
  void ClipGradientValue(double max_magnitude);

 private:
  at::Tensor values_;
  at::Tensor gradients_;
  std::vector<ParameterSegment> segments_;
};

}  // namespace athanor::training
