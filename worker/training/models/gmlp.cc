#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/ones.h>

#include "worker/training/errors.h"
#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

// x [B, tokens, 2 u] to [B, tokens, u]: one half, weighted by what a projection over the tokens makes of the other.
class SpatialGatingUnit final : public Layer {
 public:
  SpatialGatingUnit(int64_t tokens, int64_t units) : units_(units) {
    norm_ = register_module("norm", std::make_shared<LastDimensionNorm>(units));
    // Section 2.1: near-zero weights and ones as biases, so that the unit starts as the identity.
    constexpr double kNearZero = 1e-3;
    const double bound = kNearZero / static_cast<double>(tokens);
    weight_ = register_parameter("weight", at::empty({tokens, tokens}).uniform_(-bound, bound));
    bias_ = register_parameter("bias", at::ones({tokens}));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor gate = norm_->Forward(x.narrow(2, units_, units_)).transpose(1, 2);
    return x.narrow(2, 0, units_) * at::linear(gate, weight_, bias_).transpose(1, 2);
  }

 private:
  int64_t units_;
  std::shared_ptr<LastDimensionNorm> norm_;
  at::Tensor weight_;
  at::Tensor bias_;
};

class GmlpBlock final : public Layer {
 public:
  GmlpBlock(int64_t tokens, int64_t width, int64_t hidden_units) {
    norm_ = register_module("norm", std::make_shared<LastDimensionNorm>(width));
    expand_ = register_module("expand", std::make_shared<Dense>(width, hidden_units));
    gate_ = register_module("gate", std::make_shared<SpatialGatingUnit>(tokens, hidden_units / 2));
    contract_ = register_module("contract", std::make_shared<Dense>(hidden_units / 2, width));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor expanded = Gelu(expand_->Forward(norm_->Forward(x)));
    return x + contract_->Forward(gate_->Forward(expanded));
  }

 private:
  std::shared_ptr<LastDimensionNorm> norm_;
  std::shared_ptr<Dense> expand_;
  std::shared_ptr<SpatialGatingUnit> gate_;
  std::shared_ptr<Dense> contract_;
};

class Gmlp final : public Layer {
 public:
  explicit Gmlp(const ModelSpec& spec) {
    const ModelOptions& options = spec.options;
    const Shape& shape = spec.shape;
    const int64_t patch = options.patch_size;
    const int64_t tokens = (shape.height / patch) * (shape.width / patch);
    const ConvolutionSpec patches = {
        .in = shape.channels, .out = options.channels, .kernel = patch, .stride = patch, .padding = 0, .bias = true};
    embedding_ = register_module("embedding", std::make_shared<Convolution>(patches));
    blocks_ = register_module("blocks", std::make_shared<Chain>());
    for (int64_t block = 0; block < options.blocks; ++block) {
      blocks_->Add(std::make_shared<GmlpBlock>(tokens, options.channels, options.hidden_units));
    }
    norm_ = register_module("norm", std::make_shared<LastDimensionNorm>(options.channels));
    dropout_ = register_module("dropout", std::make_shared<Dropout>(options.dropout));
    head_ = register_module("head", std::make_shared<Dense>(options.channels, shape.outputs));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor tokens = embedding_->Forward(x).flatten(2).transpose(1, 2);
    const at::Tensor y = norm_->Forward(blocks_->Forward(tokens));
    return head_->Forward(dropout_->Forward(at::mean(y, {1})));
  }

 private:
  std::shared_ptr<Convolution> embedding_;
  std::shared_ptr<Chain> blocks_;
  std::shared_ptr<LastDimensionNorm> norm_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Dense> head_;
};

}  // namespace

std::unique_ptr<Model> MakeGmlp(const ModelSpec& spec) {
  RequireImages(spec, "gmlp");
  const ModelOptions& options = spec.options;
  const Shape& shape = spec.shape;
  if (shape.height % options.patch_size != 0 || shape.width % options.patch_size != 0) {
    throw InfeasibleError("patch_size " + std::to_string(options.patch_size) + " does not divide images of " +
                          std::to_string(shape.height) + " x " + std::to_string(shape.width));
  }
  if (options.hidden_units % 2 != 0) {
    throw InfeasibleError("hidden_units " + std::to_string(options.hidden_units) +
                          " is odd; gmlp gates one half of them by the other");
  }
  return WrapNetwork(std::make_shared<Gmlp>(spec), options.channels_last);
}

}  // namespace athanor::training
