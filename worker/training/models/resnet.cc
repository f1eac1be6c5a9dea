#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>

#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

struct ResnetPlan {
  std::string name;
  std::vector<int64_t> channels;  // of each stage
  int64_t blocks = 1;             // of each stage
  bool projected = false;         // shortcuts where sizes differ: option B, else A
  bool reduce_early = false;      // the first convolution and a pooling quarter the image
};

ResnetPlan PlanOf(const ModelSpec& spec) {
  switch (spec.options.architecture) {
    case Architecture::kResnet20:
      return {.name = "resnet20", .channels = {16, 32, 64}, .blocks = 3};
    case Architecture::kResnet32:
      return {.name = "resnet32", .channels = {16, 32, 64}, .blocks = 5};
    case Architecture::kResnet44:
      return {.name = "resnet44", .channels = {16, 32, 64}, .blocks = 7};
    default:
      break;
  }
  return {.name = "resnet18",
          .channels = {64, 128, 256, 512},
          .blocks = 2,
          .projected = true,
          .reduce_early = !SmallImages(spec.shape)};
}

// Two convolutions of 3 x 3 beside a shortcut.
class BasicBlock final : public Layer {
 public:
  BasicBlock(int64_t in, int64_t out, int64_t stride, bool projected) : stride_(stride), new_channels_(out - in) {
    conv1_ = register_module(
        "conv1", std::make_shared<Convolution>(ConvolutionSpec{.in = in, .out = out, .kernel = 3, .stride = stride}));
    bn1_ = register_module("bn1", std::make_shared<NormLayer>(Norm::kBatch, out));
    conv2_ =
        register_module("conv2", std::make_shared<Convolution>(ConvolutionSpec{.in = out, .out = out, .kernel = 3}));
    bn2_ = register_module("bn2", std::make_shared<NormLayer>(Norm::kBatch, out));
    if (!projected || (stride == 1 && in == out)) return;
    downsample_ = register_module("downsample", std::make_shared<Chain>());
    downsample_->Add(std::make_shared<Convolution>(ConvolutionSpec{.in = in, .out = out, .stride = stride}));
    downsample_->Add(std::make_shared<NormLayer>(Norm::kBatch, out));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor y = at::relu(bn1_->Forward(conv1_->Forward(x)));
    return at::relu(bn2_->Forward(conv2_->Forward(y)) + Shortcut(x));
  }

 private:
  at::Tensor Shortcut(const at::Tensor& x) const {
    if (downsample_ != nullptr) return downsample_->Forward(x);
    const at::Tensor y = stride_ == 1 ? x : x.slice(2, 0, {}, stride_).slice(3, 0, {}, stride_);
    if (new_channels_ == 0) return y;
    return at::constant_pad_nd(y, {0, 0, 0, 0, new_channels_ / 2, new_channels_ - new_channels_ / 2});
  }

  int64_t stride_;
  int64_t new_channels_;
  std::shared_ptr<Convolution> conv1_;
  std::shared_ptr<NormLayer> bn1_;
  std::shared_ptr<Convolution> conv2_;
  std::shared_ptr<NormLayer> bn2_;
  std::shared_ptr<Chain> downsample_;
};

class Resnet final : public Layer {
 public:
  Resnet(const ModelSpec& spec, const ResnetPlan& plan) : reduce_early_(plan.reduce_early) {
    const double multiplier = spec.options.width_multiplier;
    int64_t in = ScaledChannels(plan.channels.front(), multiplier);
    conv1_ = register_module(
        "conv1",
        std::make_shared<Convolution>(ConvolutionSpec{
            .in = spec.shape.channels, .out = in, .kernel = reduce_early_ ? 7 : 3, .stride = reduce_early_ ? 2 : 1}));
    bn1_ = register_module("bn1", std::make_shared<NormLayer>(Norm::kBatch, in));
    for (size_t i = 0; i < plan.channels.size(); ++i) {
      const auto stage = register_module("layer" + std::to_string(i + 1), std::make_shared<Chain>());
      for (int64_t block = 0; block < plan.blocks; ++block) {
        const int64_t out = ScaledChannels(plan.channels[i], multiplier);
        const int64_t stride = i > 0 && block == 0 ? 2 : 1;
        stage->Add(std::make_shared<BasicBlock>(in, out, stride, plan.projected));
        in = out;
      }
      stages_.push_back(stage);
    }
    dropout_ = register_module("dropout", std::make_shared<Dropout>(spec.options.dropout));
    head_ = register_module("head", std::make_shared<Dense>(in, spec.shape.outputs));
    InitializeConvolutions(*this);
  }

  at::Tensor Forward(const at::Tensor& x) override {
    at::Tensor y = at::relu(bn1_->Forward(conv1_->Forward(x)));
    if (reduce_early_) y = at::max_pool2d(y, {3, 3}, {2, 2}, {1, 1});
    for (const std::shared_ptr<Chain>& stage : stages_) y = stage->Forward(y);
    return head_->Forward(dropout_->Forward(MeanOverPixels(y)));
  }

 private:
  bool reduce_early_;
  std::shared_ptr<Convolution> conv1_;
  std::shared_ptr<NormLayer> bn1_;
  std::vector<std::shared_ptr<Chain>> stages_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Dense> head_;
};

}  // namespace

std::unique_ptr<Model> MakeResnet(const ModelSpec& spec) {
  const ResnetPlan plan = PlanOf(spec);
  RequireImages(spec, plan.name);
  return WrapNetwork(std::make_shared<Resnet>(spec, plan), spec.options.channels_last);
}

}  // namespace athanor::training
