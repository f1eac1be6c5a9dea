#include "worker/training/optimizers/flat_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

namespace athanor::training {
namespace {

constexpr int64_t kAlignment = 16;  // elements: of float32, a cache line

int64_t Aligned(int64_t count) { return (count + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

FlatParameters::FlatParameters(Model& model) {
  const c10::NoGradGuard no_grad;
  const std::vector<NamedTensor> parameters = model.Parameters();
  int64_t size = 0;
  for (const NamedTensor& parameter : parameters) size += Aligned(parameter.tensor.numel());
  const at::TensorOptions options = parameters.front().tensor.options().requires_grad(false);
  values_ = at::zeros({size}, options);
  gradients_ = at::zeros({size}, options);
  int64_t start = 0;
  for (NamedTensor parameter : parameters) {
    // The layout is kept: convolutions run fastest on weights that lie channels last. But not one with gaps or
    // overlaps, as a slice has that a module's file may hold: it would reach into the parameters behind.
    const at::Tensor dense =
        parameter.tensor.is_non_overlapping_and_dense() ? parameter.tensor : parameter.tensor.contiguous();
    at::Tensor view = values_.as_strided(dense.sizes(), dense.strides(), start);
    view.copy_(dense);
    parameter.tensor.set_data(view);
    parameter.tensor.mutable_grad() = gradients_.as_strided(dense.sizes(), dense.strides(), start);
    segments_.push_back({parameter.name, start, parameter.tensor.numel(), parameter.tensor.dim()});
    start += Aligned(parameter.tensor.numel());
  }
}

void FlatParameters::ZeroGradients() { gradients_.zero_(); }

at::Tensor FlatParameters::Expand(const std::vector<double>& of_segments) const {
  at::Tensor expanded = at::zeros_like(values_);
  for (size_t i = 0; i < segments_.size(); ++i) {
    expanded.narrow(0, segments_[i].start, segments_[i].count).fill_(of_segments[i]);
  }
  return expanded;
}

at::Tensor FlatParameters::GradientNorm() const { return gradients_.norm(); }

at::Tensor FlatParameters::ClipGradientNorm(double max_norm) {
  at::Tensor norm = GradientNorm();
  gradients_.mul_((max_norm / (norm + 1e-6)).clamp_max(1.0));
  return norm;
}

void FlatParameters::ClipGradientValue(double max_magnitude) { gradients_.clamp_(-max_magnitude, max_magnitude); }

}  // namespace athanor::training
