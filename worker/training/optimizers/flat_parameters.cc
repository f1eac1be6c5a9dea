#include "worker/training/optimizers/flat_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

namespace athanor::training {
namespace {

constexpr int64_t kAlignment = 16;  // floats: a cache line

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
    // The layout is kept: convolutions run fastest on weights that lie channels last.
    at::Tensor view = values_.as_strided(parameter.tensor.sizes(), parameter.tensor.strides(), start);
    view.copy_(parameter.tensor);
    parameter.tensor.set_data(view);
    parameter.tensor.mutable_grad() =
        gradients_.as_strided(parameter.tensor.sizes(), parameter.tensor.strides(), start);
    segments_.push_back({parameter.name, start, parameter.tensor.numel(), parameter.tensor.dim()});
    start += Aligned(parameter.tensor.numel());
  }
}

void FlatParameters::ZeroGradients() { gradients_.zero_(); }

void FlatParameters::ClipGradientNorm(double max_norm) {
  const at::Tensor norm = gradients_.norm();
  gradients_.mul_((max_norm / (norm + 1e-6)).clamp_max(1.0));
}

}  // namespace athanor::training
