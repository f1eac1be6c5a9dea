// What the networks are made of. Includes LibTorch's module header: for the files that build networks only.
//
// Layers are children of their network by the names that parameters have in checkpoints. Weights are drawn by
// LibTorch's defaults, uniform in +-1/sqrt(inputs of a unit), from the default generator of the CPU, in the order of
// construction.
//
// Names must not be Python's keywords: TorchScript files hold them as source text.
//
// No layer takes the size of a batch as a number: so a network can be traced once for batches of every size.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "worker/training/options/model_options.h"

namespace athanor::training {

class Layer : public torch::nn::Module {
 public:
  // May keep or return `x` itself; never changes it.
  virtual at::Tensor Forward(const at::Tensor& x) = 0;
};

// One layer after another. Children are named by their position, "0", "1", ..., unless named.
class Chain final : public Layer {
 public:
  void Add(std::shared_ptr<Layer> layer) { Add(std::to_string(layers_.size()), std::move(layer)); }
  void Add(const std::string& name, std::shared_ptr<Layer> layer);
  at::Tensor Forward(const at::Tensor& x) override;

 private:
  std::vector<std::shared_ptr<Layer>> layers_;
};

// x [..., in] to [..., out]. Parameters `weight` [out, in] and `bias` [out].
class Dense final : public Layer {
 public:
  // Throws InfeasibleError if the weight would have more than 2^30 elements.
  Dense(int64_t in, int64_t out);
  at::Tensor Forward(const at::Tensor& x) override;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

struct ConvolutionSpec {
  int64_t in = 1;  // channels
  int64_t out = 1;
  int64_t kernel = 1;  // side in pixels
  int64_t stride = 1;
  int64_t padding = -1;  // pixels; -1 = (kernel - 1) / 2: an odd kernel then keeps the size
  int64_t groups = 1;
  bool bias = false;
};

// Images [B, in, H, W] to [B, out, ...]. Parameters `weight` [out, in / groups, kernel, kernel] and, if wanted, `bias`.
class Convolution final : public Layer {
 public:
  // Throws InfeasibleError if the weight would have more than 2^30 elements.
  explicit Convolution(const ConvolutionSpec& spec);
  at::Tensor Forward(const at::Tensor& x) override;

 private:
  ConvolutionSpec spec_;
  at::Tensor weight_;
  at::Tensor bias_;
};

// Normalises x [B, C] or [B, C, H, W], with a factor `weight` and an offset `bias` a channel:
//   batch  over the batch and all pixels; running statistics of momentum 0.1 as buffers (Ioffe and Szegedy 2015)
//   layer  over the channels and pixels of one example (Ba et al. 2016)
//   group  the same in groups of channels: at most 32, of at least 4 each where that divides (Wu and He 2018)
//   none   not
class NormLayer final : public Layer {
 public:
  NormLayer(Norm norm, int64_t channels, double epsilon = 1e-5);
  at::Tensor Forward(const at::Tensor& x) override;

 private:
  Norm norm_;
  int64_t groups_ = 1;
  double epsilon_;
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor running_mean_;
  at::Tensor running_var_;
};

// Over the last dimension of x [..., size]; parameters `weight` and `bias` [size].
class LastDimensionNorm final : public Layer {
 public:
  explicit LastDimensionNorm(int64_t size);
  at::Tensor Forward(const at::Tensor& x) override;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

// Zeroes each element with a probability, in training only, and scales the others so that the mean stays.
class Dropout final : public Layer {
 public:
  explicit Dropout(double probability) : probability_(probability) {}
  at::Tensor Forward(const at::Tensor& x) override;

 private:
  double probability_;
};

// A dense layer `dense`, [`norm`], activation, [dropout].
class HiddenLayer final : public Layer {
 public:
  // Of options: hidden_units, norm, activation.
  HiddenLayer(int64_t in, const ModelOptions& options, double dropout);
  at::Tensor Forward(const at::Tensor& x) override;

 private:
  std::shared_ptr<Dense> dense_;
  std::shared_ptr<NormLayer> norm_;
  std::shared_ptr<Dropout> dropout_;
  Activation activation_;
};

// x [B, ...] to [B, sizes...]: a row of numbers to an image, or back.
class Reshape final : public Layer {
 public:
  explicit Reshape(std::vector<int64_t> sizes);
  at::Tensor Forward(const at::Tensor& x) override { return x.reshape(sizes_); }

 private:
  std::vector<int64_t> sizes_;  // -1 first
};

// x * Phi(x), with Phi the normal distribution's (Hendrycks and Gimpel 2016, arXiv:1606.08415).
at::Tensor Gelu(const at::Tensor& x);

at::Tensor Activate(Activation activation, const at::Tensor& x);

// `channels` times width_multiplier, rounded; at least 1.
int64_t ScaledChannels(int64_t channels, double width_multiplier);

// x [B, C, H, W], the mean over its pixels: [B, C].
at::Tensor MeanOverPixels(const at::Tensor& x);

// Draws the weights of all convolutions in `module` anew, normal with variance 2 / (out * kernel^2), by which deep
// networks with rectifiers start well (He et al. 2015, arXiv:1502.01852, backward case).
void InitializeConvolutions(torch::nn::Module& module);

}  // namespace athanor::training
