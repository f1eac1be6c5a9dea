// Mixed precision: matrix products and convolutions in 16 bits, everything else in 32 (Micikevicius et al. 2018,
// arXiv:1710.03740). Weights, gradients and the optimiser's state stay float32.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "worker/training/models/model.h"
#include "worker/training/options/options.h"

namespace athanor::training {

// The model with LibTorch's autocast around its forward pass; its outputs are float32. The model itself for
// Precision::kFloat32. Throws InfeasibleError for kFloat16 on a device that is not CUDA.
std::unique_ptr<Model> WithPrecision(std::unique_ptr<Model> model, Precision precision, const at::Device& device);

// Dynamic loss scaling for fp16, whose small gradients would be 0 otherwise: PyTorch's GradScaler with its defaults.
// Plain numbers, for the checkpoint.
struct LossScale {
  double scale = 65536;
  int64_t good_steps = 0;  // since the scale last changed
  int64_t skipped = 0;     // steps that changed no weight, in all: the optimiser does not count them
};

// Takes in whether the step's gradients were finite: if not, the step is skipped and the scale halved; after 2000 good
// steps in a row it is doubled.
void ObserveGradients(bool finite, LossScale& scale);

}  // namespace athanor::training
