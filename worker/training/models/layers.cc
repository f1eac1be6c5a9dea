#include "worker/training/models/layers.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// 4 GiB of float32. More is a mistake of scale (a width doubled too often), better refused than met by the kernel's
// killer of processes.
constexpr double kMostElements = 1 << 30;

at::Tensor DrawnUniform(const std::vector<int64_t>& sizes, double bound) {
  return at::empty(sizes).uniform_(-bound, bound);
}

at::Tensor DrawnWeight(const std::vector<int64_t>& sizes, double bound) {
  double elements = 1;
  std::string text;
  for (const int64_t size : sizes) {
    elements *= static_cast<double>(size);
    if (!text.empty()) text += " x ";
    text += std::to_string(size);
  }
  if (elements > kMostElements) {
    throw InfeasibleError("the model is too wide: it would have a layer with a weight of " + text);
  }
  return DrawnUniform(sizes, bound);
}

int64_t GroupsOf(int64_t channels) {
  for (int64_t groups = std::min<int64_t>(32, channels / 4); groups > 1; --groups) {
    if (channels % groups == 0) return groups;
  }
  return 1;
}

}  // namespace

void Chain::Add(const std::string& name, std::shared_ptr<Layer> layer) {
  layers_.push_back(register_module(name, std::move(layer)));
}

at::Tensor Chain::Forward(const at::Tensor& x) {
  at::Tensor y = x;
  for (const std::shared_ptr<Layer>& layer : layers_) y = layer->Forward(y);
  return y;
}

Dense::Dense(int64_t in, int64_t out) {
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight_ = register_parameter("weight", DrawnWeight({out, in}, bound));
  bias_ = register_parameter("bias", DrawnUniform({out}, bound));
}

at::Tensor Dense::Forward(const at::Tensor& x) { return at::linear(x, weight_, bias_); }

Convolution::Convolution(const ConvolutionSpec& spec) : spec_(spec) {
  if (spec_.padding < 0) spec_.padding = (spec.kernel - 1) / 2;
  const int64_t in = spec.in / spec.groups;
  const double bound = 1 / std::sqrt(static_cast<double>(in * spec.kernel * spec.kernel));
  weight_ = register_parameter("weight", DrawnWeight({spec.out, in, spec.kernel, spec.kernel}, bound));
  if (spec.bias) bias_ = register_parameter("bias", DrawnUniform({spec.out}, bound));
}

at::Tensor Convolution::Forward(const at::Tensor& x) {
  return at::conv2d(x, weight_, bias_, {spec_.stride, spec_.stride}, {spec_.padding, spec_.padding}, {1, 1},
                    spec_.groups);
}

NormLayer::NormLayer(Norm norm, int64_t channels, double epsilon) : norm_(norm), epsilon_(epsilon) {
  if (norm == Norm::kNone) return;
  if (norm == Norm::kGroup) groups_ = GroupsOf(channels);
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
  if (norm != Norm::kBatch) return;
  running_mean_ = register_buffer("running_mean", at::zeros({channels}));
  running_var_ = register_buffer("running_var", at::ones({channels}));
}

at::Tensor NormLayer::Forward(const at::Tensor& x) {
  constexpr double kMomentum = 0.1;
  switch (norm_) {
    case Norm::kNone:
      return x;
    case Norm::kBatch:
      return at::batch_norm(x, weight_, bias_, running_mean_, running_var_, is_training(), kMomentum, epsilon_,
                            /*cudnn_enabled=*/true);
    case Norm::kLayer:
    case Norm::kGroup:
      break;
  }
  // On a CPU LibTorch 1.13 takes no numbers of half the width beside weights of full width.
  return at::group_norm(x.to(weight_.scalar_type()), groups_, weight_, bias_, epsilon_);
}

LastDimensionNorm::LastDimensionNorm(int64_t size) {
  weight_ = register_parameter("weight", at::ones({size}));
  bias_ = register_parameter("bias", at::zeros({size}));
}

at::Tensor LastDimensionNorm::Forward(const at::Tensor& x) {
  return at::layer_norm(x.to(weight_.scalar_type()), weight_.sizes(), weight_, bias_, 1e-5);
}

at::Tensor Dropout::Forward(const at::Tensor& x) {
  return probability_ == 0 ? x : at::dropout(x, probability_, is_training());
}

HiddenLayer::HiddenLayer(int64_t in, const ModelOptions& options, double dropout)
    : dense_(register_module("dense", std::make_shared<Dense>(in, options.hidden_units))),
      norm_(register_module("norm", std::make_shared<NormLayer>(options.norm, options.hidden_units))),
      dropout_(register_module("dropout", std::make_shared<Dropout>(dropout))),
      activation_(options.activation) {}

at::Tensor HiddenLayer::Forward(const at::Tensor& x) {
  return dropout_->Forward(Activate(activation_, norm_->Forward(dense_->Forward(x))));
}

Reshape::Reshape(std::vector<int64_t> sizes) : sizes_(std::move(sizes)) { sizes_.insert(sizes_.begin(), -1); }

at::Tensor Gelu(const at::Tensor& x) {
  const at::Tensor y = at::gelu(x);
  // On a CPU, LibTorch 1.13 takes the gradient's memory to be laid out as the input's is. Where it is not (behind a
  // transposed product, or a convolution that went to channels last), the result is wrong, or past its end.
  if (y.requires_grad() && y.device().is_cpu()) {
    const at::MemoryFormat format = x.suggest_memory_format();
    y.register_hook([format](const at::Tensor& gradient) { return gradient.contiguous(format); });
  }
  return y;
}

at::Tensor Activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kGelu:
      return Gelu(x);
    case Activation::kLeakyRelu:
      return at::leaky_relu(x, 0.01);
    case Activation::kElu:
      return at::elu(x);
    case Activation::kHardswish:
      return at::hardswish(x);
    case Activation::kSilu:
      break;
  }
  return at::silu(x);
}

int64_t ScaledChannels(int64_t channels, double width_multiplier) {
  const double wanted = std::round(static_cast<double>(channels) * width_multiplier);
  return std::max<int64_t>(1, static_cast<int64_t>(wanted));
}

at::Tensor MeanOverPixels(const at::Tensor& x) { return at::mean(x, {2, 3}); }

void InitializeConvolutions(torch::nn::Module& module) {
  const c10::NoGradGuard no_grad;
  for (at::Tensor& weight : module.parameters()) {
    if (weight.dim() != 4) continue;
    weight.normal_(0, std::sqrt(2 / static_cast<double>(weight.size(0) * weight.size(2) * weight.size(3))));
  }
}

}  // namespace athanor::training
