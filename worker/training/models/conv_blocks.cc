#include "worker/training/models/conv_blocks.h"

#include <ATen/ops/max_pool2d.h>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

class ConvBlock final : public Layer {
 public:
  ConvBlock(const ConvBlocksSpec& spec, int64_t in, int64_t out) : activation_(spec.activation) {
    const ConvolutionSpec convolution = {
        .in = in, .out = out, .kernel = spec.kernel_size, .bias = spec.norm == Norm::kNone};
    conv_ = register_module("conv", std::make_shared<Convolution>(convolution));
    norm_ = register_module("norm", std::make_shared<NormLayer>(spec.norm, out));
  }

  // Pooling before the activation gives the same for monotone activations and a quarter of the work.
  at::Tensor Forward(const at::Tensor& x) override {
    return Activate(activation_, at::max_pool2d(norm_->Forward(conv_->Forward(x)), {2, 2}));
  }

 private:
  Activation activation_;
  std::shared_ptr<Convolution> conv_;
  std::shared_ptr<NormLayer> norm_;
};

void RequireSize(const ConvBlocksSpec& spec, const Shape& shape) {
  int64_t side = std::min(shape.height, shape.width);
  int64_t most = 0;
  for (; side > 1; side /= 2) ++most;
  if (spec.blocks <= most) return;
  throw InfeasibleError("blocks " + std::to_string(spec.blocks) + " of " + spec.model + " halve images of " +
                        std::to_string(shape.height) + " x " + std::to_string(shape.width) + " away; want at most " +
                        std::to_string(most));
}

}  // namespace

ConvBlocks::ConvBlocks(const ConvBlocksSpec& spec, const Shape& shape)
    : channels_(shape.channels), height_(shape.height), width_(shape.width) {
  RequireSize(spec, shape);
  int64_t out = spec.channels;
  for (int64_t block = 0; block < spec.blocks; ++block) {
    blocks_.push_back(register_module(std::to_string(block), std::make_shared<ConvBlock>(spec, channels_, out)));
    channels_ = out;
    out *= 2;
    height_ /= 2;
    width_ /= 2;
  }
}

at::Tensor ConvBlocks::Forward(const at::Tensor& x) {
  at::Tensor y = x;
  for (const std::shared_ptr<Layer>& block : blocks_) y = block->Forward(y);
  return y;
}

}  // namespace athanor::training
