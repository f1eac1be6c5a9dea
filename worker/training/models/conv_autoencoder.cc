#include <ATen/ops/upsample_nearest2d.h>

#include "worker/training/errors.h"
#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

// What lies between two blocks.
struct Stage {
  int64_t channels = 1;
  int64_t height = 0;
  int64_t width = 0;

  int64_t numbers() const { return channels * height * width; }
};

// The image, and what comes out of each block of the encoder.
std::vector<Stage> StagesOf(const ModelSpec& spec) {
  const Shape& shape = spec.shape;
  std::vector<Stage> stages = {{shape.channels, shape.height, shape.width}};
  int64_t channels = spec.options.channels;
  for (int64_t block = 0; block < spec.options.blocks; ++block) {
    const Stage& last = stages.back();
    if (last.height == 1 && last.width == 1) {
      throw InfeasibleError("blocks " + std::to_string(spec.options.blocks) +
                            " of conv_autoencoder: nothing is left of images of " + std::to_string(shape.height) +
                            " x " + std::to_string(shape.width) + " after " + std::to_string(block));
    }
    stages.push_back({channels, (last.height + 1) / 2, (last.width + 1) / 2});
    channels *= 2;
  }
  return stages;
}

// Convolution `conv` of 3 x 3, [`norm`], activation.
class EncoderBlock final : public Layer {
 public:
  EncoderBlock(int64_t in, int64_t out, const ModelOptions& options) : activation_(options.activation) {
    const ConvolutionSpec spec = {.in = in, .out = out, .kernel = 3, .stride = 2, .bias = options.norm == Norm::kNone};
    conv_ = register_module("conv", std::make_shared<Convolution>(spec));
    norm_ = register_module("norm", std::make_shared<NormLayer>(options.norm, out));
  }

  at::Tensor Forward(const at::Tensor& x) override { return Activate(activation_, norm_->Forward(conv_->Forward(x))); }

 private:
  Activation activation_;
  std::shared_ptr<Convolution> conv_;
  std::shared_ptr<NormLayer> norm_;
};

// Enlarged by nearest neighbours; then as in the encoder, but that the last block ends with its convolution.
class DecoderBlock final : public Layer {
 public:
  enum class Position { kInner, kLast };

  DecoderBlock(const Stage& in, const Stage& out, const ModelOptions& options, Position position)
      : size_({out.height, out.width}), activation_(options.activation), position_(position) {
    const bool normed = position == Position::kInner && options.norm != Norm::kNone;
    const ConvolutionSpec spec = {.in = in.channels, .out = out.channels, .kernel = 3, .bias = !normed};
    conv_ = register_module("conv", std::make_shared<Convolution>(spec));
    norm_ = register_module("norm", std::make_shared<NormLayer>(normed ? options.norm : Norm::kNone, out.channels));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor y = norm_->Forward(conv_->Forward(at::upsample_nearest2d(x, size_)));
    return position_ == Position::kLast ? y : Activate(activation_, y);
  }

 private:
  std::vector<int64_t> size_;
  Activation activation_;
  Position position_;
  std::shared_ptr<Convolution> conv_;
  std::shared_ptr<NormLayer> norm_;
};

std::shared_ptr<Chain> EncoderOf(const std::vector<Stage>& stages, const ModelOptions& options) {
  auto encoder = std::make_shared<Chain>();
  for (size_t i = 1; i < stages.size(); ++i) {
    encoder->Add(std::make_shared<EncoderBlock>(stages[i - 1].channels, stages[i].channels, options));
  }
  const int64_t numbers = stages.back().numbers();
  encoder->Add("flatten", std::make_shared<Reshape>(std::vector<int64_t>{numbers}));
  encoder->Add("code", std::make_shared<Dense>(numbers, options.embedding_units));
  return encoder;
}

std::shared_ptr<Chain> DecoderOf(const std::vector<Stage>& stages, const ModelOptions& options) {
  auto decoder = std::make_shared<Chain>();
  const Stage& inmost = stages.back();
  decoder->Add("dense", std::make_shared<Dense>(options.embedding_units, inmost.numbers()));
  decoder->Add("unflatten",
               std::make_shared<Reshape>(std::vector<int64_t>{inmost.channels, inmost.height, inmost.width}));
  for (size_t i = stages.size() - 1; i > 0; --i) {
    const auto position = i == 1 ? DecoderBlock::Position::kLast : DecoderBlock::Position::kInner;
    decoder->Add(std::to_string(i - 1), std::make_shared<DecoderBlock>(stages[i], stages[i - 1], options, position));
  }
  return decoder;
}

}  // namespace

std::unique_ptr<Model> MakeConvAutoencoder(const ModelSpec& spec) {
  RequireImages(spec, "conv_autoencoder");
  const ModelOptions& options = spec.options;
  const std::vector<Stage> stages = StagesOf(spec);
  auto network = std::make_shared<Chain>();
  network->Add("encoder", EncoderOf(stages, options));
  if (spec.task == TaskKind::kReconstruction) {
    network->Add("decoder", DecoderOf(stages, options));
    return WrapNetwork(std::move(network), options.channels_last, "decoder.");
  }
  network->Add("dropout", std::make_shared<Dropout>(options.dropout));
  network->Add("head", std::make_shared<Dense>(options.embedding_units, spec.shape.outputs));
  return WrapNetwork(std::move(network), options.channels_last);
}

}  // namespace athanor::training
