#include <ATen/TensorOperators.h>
#include <ATen/ops/hardsigmoid.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/relu.h>

#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

enum class Nonlinearity { kNone, kRelu, kHardswish };

// One row of tables 1 and 2 of the paper; its expansion size, squeeze-and-excite, non-linearity and stride.
struct BlockRow {
  int64_t kernel;
  int64_t expanded;
  int64_t out;
  bool squeeze;
  Nonlinearity nonlinearity;
  int64_t stride;
};

struct MobilenetPlan {
  std::string name;
  std::vector<BlockRow> rows;
  int64_t hidden = 0;  // width of the dense layer before the head
};

MobilenetPlan PlanOf(Architecture architecture) {
  constexpr Nonlinearity kRe = Nonlinearity::kRelu;
  constexpr Nonlinearity kHs = Nonlinearity::kHardswish;
  if (architecture == Architecture::kMobilenetV3Large) {
    return {.name = "mobilenet_v3_large",
            .rows = {{3, 16, 16, false, kRe, 1},
                     {3, 64, 24, false, kRe, 2},
                     {3, 72, 24, false, kRe, 1},
                     {5, 72, 40, true, kRe, 2},
                     {5, 120, 40, true, kRe, 1},
                     {5, 120, 40, true, kRe, 1},
                     {3, 240, 80, false, kHs, 2},
                     {3, 200, 80, false, kHs, 1},
                     {3, 184, 80, false, kHs, 1},
                     {3, 184, 80, false, kHs, 1},
                     {3, 480, 112, true, kHs, 1},
                     {3, 672, 112, true, kHs, 1},
                     {5, 672, 160, true, kHs, 2},
                     {5, 960, 160, true, kHs, 1},
                     {5, 960, 160, true, kHs, 1}},
            .hidden = 1280};
  }
  return {.name = "mobilenet_v3_small",
          .rows = {{3, 16, 16, true, kRe, 2},
                   {3, 72, 24, false, kRe, 2},
                   {3, 88, 24, false, kRe, 1},
                   {5, 96, 40, true, kHs, 2},
                   {5, 240, 40, true, kHs, 1},
                   {5, 240, 40, true, kHs, 1},
                   {5, 120, 48, true, kHs, 1},
                   {5, 144, 48, true, kHs, 1},
                   {5, 288, 96, true, kHs, 2},
                   {5, 576, 96, true, kHs, 1},
                   {5, 576, 96, true, kHs, 1}},
          .hidden = 1024};
}

// The nearest multiple of 8, at least 8, and not more than a tenth below.
int64_t Divisible(double channels) {
  const auto rounded = std::max<int64_t>(8, static_cast<int64_t>(channels + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * channels ? rounded + 8 : rounded;
}

at::Tensor Apply(Nonlinearity nonlinearity, const at::Tensor& x) {
  switch (nonlinearity) {
    case Nonlinearity::kNone:
      return x;
    case Nonlinearity::kRelu:
      return at::relu(x);
    case Nonlinearity::kHardswish:
      break;
  }
  return at::hardswish(x);
}

// Convolution `0`, batch norm `1`, non-linearity.
class ConvNorm final : public Layer {
 public:
  ConvNorm(const ConvolutionSpec& convolution, Nonlinearity nonlinearity)
      : convolution_(register_module("0", std::make_shared<Convolution>(convolution))),
        norm_(register_module("1", std::make_shared<NormLayer>(Norm::kBatch, convolution.out, 1e-3))),
        nonlinearity_(nonlinearity) {}

  at::Tensor Forward(const at::Tensor& x) override {
    return Apply(nonlinearity_, norm_->Forward(convolution_->Forward(x)));
  }

 private:
  std::shared_ptr<Convolution> convolution_;
  std::shared_ptr<NormLayer> norm_;
  Nonlinearity nonlinearity_;
};

// Weighs the channels of an example by what all of its pixels show (Hu et al. 2017, arXiv:1709.01507).
class SqueezeExcite final : public Layer {
 public:
  SqueezeExcite(int64_t channels, int64_t squeezed)
      : fc1_(register_module(
            "fc1", std::make_shared<Convolution>(ConvolutionSpec{.in = channels, .out = squeezed, .bias = true}))),
        fc2_(register_module(
            "fc2", std::make_shared<Convolution>(ConvolutionSpec{.in = squeezed, .out = channels, .bias = true}))) {}

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor squeezed = at::relu(fc1_->Forward(at::mean(x, {2, 3}, /*keepdim=*/true)));
    return x * at::hardsigmoid(fc2_->Forward(squeezed));
  }

 private:
  std::shared_ptr<Convolution> fc1_;
  std::shared_ptr<Convolution> fc2_;
};

// Expand, filter each channel by itself, squeeze and excite, project; beside a shortcut where the sizes agree.
class InvertedResidual final : public Layer {
 public:
  InvertedResidual(int64_t in, const BlockRow& row)
      : shortcut_(row.stride == 1 && in == row.out), block_(register_module("block", std::make_shared<Chain>())) {
    if (row.expanded != in) {
      block_->Add(std::make_shared<ConvNorm>(ConvolutionSpec{.in = in, .out = row.expanded}, row.nonlinearity));
    }
    block_->Add(std::make_shared<ConvNorm>(ConvolutionSpec{.in = row.expanded,
                                                           .out = row.expanded,
                                                           .kernel = row.kernel,
                                                           .stride = row.stride,
                                                           .groups = row.expanded},
                                           row.nonlinearity));
    if (row.squeeze) {
      const int64_t squeezed = Divisible(static_cast<double>(row.expanded / 4));
      block_->Add(std::make_shared<SqueezeExcite>(row.expanded, squeezed));
    }
    block_->Add(std::make_shared<ConvNorm>(ConvolutionSpec{.in = row.expanded, .out = row.out}, Nonlinearity::kNone));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor y = block_->Forward(x);
    return shortcut_ ? x + y : y;
  }

 private:
  bool shortcut_;
  std::shared_ptr<Chain> block_;
};

class MobilenetV3 final : public Layer {
 public:
  MobilenetV3(const ModelSpec& spec, const MobilenetPlan& plan) {
    const double multiplier = spec.options.width_multiplier;
    const auto scaled = [multiplier](int64_t channels) {
      return Divisible(static_cast<double>(channels) * multiplier);
    };
    const bool small = SmallImages(spec.shape);
    bool keeps_first_stride = !small;
    features_ = register_module("features", std::make_shared<Chain>());
    int64_t width = scaled(16);
    features_->Add(std::make_shared<ConvNorm>(
        ConvolutionSpec{.in = spec.shape.channels, .out = width, .kernel = 3, .stride = small ? 1 : 2},
        Nonlinearity::kHardswish));
    for (BlockRow row : plan.rows) {
      row.expanded = scaled(row.expanded);
      row.out = scaled(row.out);
      if (row.stride == 2 && !keeps_first_stride) {
        row.stride = 1;
        keeps_first_stride = true;
      }
      features_->Add(std::make_shared<InvertedResidual>(width, row));
      width = row.out;
    }
    features_->Add(
        std::make_shared<ConvNorm>(ConvolutionSpec{.in = width, .out = 6 * width}, Nonlinearity::kHardswish));
    const int64_t hidden = scaled(plan.hidden);
    classifier_ = register_module("classifier", std::make_shared<Chain>());
    classifier_->Add(std::make_shared<Dense>(6 * width, hidden));
    dropout_ = register_module("dropout", std::make_shared<Dropout>(spec.options.dropout));
    head_ = register_module("head", std::make_shared<Dense>(hidden, spec.shape.outputs));
    InitializeConvolutions(*this);
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor y = classifier_->Forward(MeanOverPixels(features_->Forward(x)));
    return head_->Forward(dropout_->Forward(at::hardswish(y)));
  }

 private:
  std::shared_ptr<Chain> features_;
  std::shared_ptr<Chain> classifier_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Dense> head_;
};

}  // namespace

std::unique_ptr<Model> MakeMobilenetV3(const ModelSpec& spec) {
  const MobilenetPlan plan = PlanOf(spec.options.architecture);
  RequireImages(spec, plan.name);
  return WrapNetwork(std::make_shared<MobilenetV3>(spec, plan), spec.options.channels_last);
}

}  // namespace athanor::training
