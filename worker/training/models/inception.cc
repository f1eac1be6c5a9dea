#include <ATen/TensorOperators.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>

#include <algorithm>

#include "worker/training/errors.h"
#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

// Channels of one inception block: table 1 of the paper.
struct InceptionRow {
  const char* name;
  int64_t ones;            // #1x1
  int64_t reduced_threes;  // #3x3 reduce
  int64_t threes;          // #3x3
  int64_t reduced_fives;   // #5x5 reduce
  int64_t fives;           // #5x5
  int64_t pooled;          // pool proj
};

constexpr InceptionRow kRows[] = {
    {"inception3a", 64, 96, 128, 16, 32, 32},     {"inception3b", 128, 128, 192, 32, 96, 64},
    {"inception4a", 192, 96, 208, 16, 48, 64},    {"inception4b", 160, 112, 224, 24, 64, 64},
    {"inception4c", 128, 128, 256, 24, 64, 64},   {"inception4d", 112, 144, 288, 32, 64, 64},
    {"inception4e", 256, 160, 320, 32, 128, 128}, {"inception5a", 256, 160, 320, 32, 128, 128},
    {"inception5b", 384, 192, 384, 48, 128, 128},
};
constexpr size_t kFirstOfStage4 = 2;
constexpr size_t kFirstOfStage5 = 7;
// Two poolings of 3 x 3 and one of 2 x 2, each of stride 2, must find a pixel.
constexpr int64_t kLeastSide = 4;

// Convolution `conv`, batch norm `bn`, rectifier.
class BasicConvolution final : public Layer {
 public:
  explicit BasicConvolution(const ConvolutionSpec& spec)
      : conv_(register_module("conv", std::make_shared<Convolution>(spec))),
        bn_(register_module("bn", std::make_shared<NormLayer>(Norm::kBatch, spec.out, 1e-3))) {}

  at::Tensor Forward(const at::Tensor& x) override { return at::relu(bn_->Forward(conv_->Forward(x))); }

 private:
  std::shared_ptr<Convolution> conv_;
  std::shared_ptr<NormLayer> bn_;
};

class MaxPooling final : public Layer {
 public:
  MaxPooling(int64_t kernel, int64_t stride, int64_t padding) : kernel_(kernel), stride_(stride), padding_(padding) {}

  at::Tensor Forward(const at::Tensor& x) override {
    return at::max_pool2d(x, {kernel_, kernel_}, {stride_, stride_}, {padding_, padding_}, {1, 1},
                          /*ceil_mode=*/true);
  }

 private:
  int64_t kernel_;
  int64_t stride_;
  int64_t padding_;
};

// A convolution of 1 x 1 that leaves few channels, and one of 3 x 3 over them.
std::shared_ptr<Chain> ReducedConvolution(int64_t in, int64_t reduced, int64_t out) {
  auto branch = std::make_shared<Chain>();
  branch->Add(std::make_shared<BasicConvolution>(ConvolutionSpec{.in = in, .out = reduced}));
  branch->Add(std::make_shared<BasicConvolution>(ConvolutionSpec{.in = reduced, .out = out, .kernel = 3}));
  return branch;
}

// Four branches over the same pixels, side by side.
class InceptionBlock final : public Layer {
 public:
  InceptionBlock(int64_t in, const InceptionRow& row) {
    const ConvolutionSpec ones = {.in = in, .out = row.ones};
    branch1_ = register_module("branch1", std::make_shared<BasicConvolution>(ones));
    branch2_ = register_module("branch2", ReducedConvolution(in, row.reduced_threes, row.threes));
    branch3_ = register_module("branch3", ReducedConvolution(in, row.reduced_fives, row.fives));
    branch4_ = register_module("branch4", std::make_shared<Chain>());
    branch4_->Add(std::make_shared<MaxPooling>(3, 1, 1));
    branch4_->Add(std::make_shared<BasicConvolution>(ConvolutionSpec{.in = in, .out = row.pooled}));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    return at::cat({branch1_->Forward(x), branch2_->Forward(x), branch3_->Forward(x), branch4_->Forward(x)}, 1);
  }

 private:
  std::shared_ptr<BasicConvolution> branch1_;
  std::shared_ptr<Chain> branch2_;
  std::shared_ptr<Chain> branch3_;
  std::shared_ptr<Chain> branch4_;
};

class SpatialAttention final : public Layer {
 public:
  SpatialAttention()
      : conv_(register_module("conv", std::make_shared<Convolution>(ConvolutionSpec{.in = 2, .out = 1, .kernel = 7}))),
        bn_(register_module("bn", std::make_shared<NormLayer>(Norm::kBatch, 1))) {}

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor shown = at::cat({at::amax(x, {1}, /*keepdim=*/true), at::mean(x, {1}, /*keepdim=*/true)}, 1);
    return x * at::sigmoid(bn_->Forward(conv_->Forward(shown)));
  }

 private:
  std::shared_ptr<Convolution> conv_;
  std::shared_ptr<NormLayer> bn_;
};

class PixelMean final : public Layer {
 public:
  at::Tensor Forward(const at::Tensor& x) override { return MeanOverPixels(x); }
};

InceptionRow Scaled(const InceptionRow& row, double multiplier) {
  const auto scaled = [multiplier](int64_t channels) { return ScaledChannels(channels, multiplier); };
  return {row.name,           scaled(row.ones),          scaled(row.reduced_threes),
          scaled(row.threes), scaled(row.reduced_fives), scaled(row.fives),
          scaled(row.pooled)};
}

// The convolutions before the first block; returns the channels that they give.
int64_t AddStem(Chain& network, const ModelSpec& spec) {
  const int64_t first = ScaledChannels(64, spec.options.width_multiplier);
  const int64_t last = ScaledChannels(192, spec.options.width_multiplier);
  const bool small = SmallImages(spec.shape);
  const ConvolutionSpec conv1 = {
      .in = spec.shape.channels, .out = first, .kernel = small ? 3 : 7, .stride = small ? 1 : 2};
  network.Add("conv1", std::make_shared<BasicConvolution>(conv1));
  if (!small) network.Add("maxpool1", std::make_shared<MaxPooling>(3, 2, 0));
  network.Add("conv2", std::make_shared<BasicConvolution>(ConvolutionSpec{.in = first, .out = first}));
  network.Add("conv3", std::make_shared<BasicConvolution>(ConvolutionSpec{.in = first, .out = last, .kernel = 3}));
  network.Add("maxpool2", std::make_shared<MaxPooling>(3, 2, 0));
  return last;
}

}  // namespace

std::unique_ptr<Model> MakeInception(const ModelSpec& spec) {
  RequireImages(spec, "inception");
  if (std::min(spec.shape.height, spec.shape.width) < kLeastSide) {
    throw InfeasibleError("model: inception needs images of at least 4 x 4, not " + std::to_string(spec.shape.height) +
                          " x " + std::to_string(spec.shape.width));
  }
  auto network = std::make_shared<Chain>();
  int64_t width = AddStem(*network, spec);
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (i == kFirstOfStage4) network->Add("maxpool3", std::make_shared<MaxPooling>(3, 2, 0));
    if (i == kFirstOfStage5) network->Add("maxpool4", std::make_shared<MaxPooling>(2, 2, 0));
    const InceptionRow row = Scaled(kRows[i], spec.options.width_multiplier);
    network->Add(row.name, std::make_shared<InceptionBlock>(width, row));
    width = row.ones + row.threes + row.fives + row.pooled;
  }
  if (spec.options.attention == Attention::kSpatial) network->Add("attention", std::make_shared<SpatialAttention>());
  network->Add("pool", std::make_shared<PixelMean>());
  network->Add("dropout", std::make_shared<Dropout>(spec.options.dropout));
  network->Add("head", std::make_shared<Dense>(width, spec.shape.outputs));
  InitializeConvolutions(*network);
  return WrapNetwork(std::move(network), spec.options.channels_last);
}

}  // namespace athanor::training
