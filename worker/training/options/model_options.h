// What is trained (models/model.h).
#pragma once

#include <cstdint>
#include <string>

namespace athanor::training {

enum class Architecture {
  kLenet,
  kLinear,
  kMlp,
  kCnn,
  kInception,
  kGmlp,
  kMobilenetV3Small,
  kMobilenetV3Large,
  kResnet18,
  kResnet20,
  kResnet32,
  kResnet44,
  kBilinear,
  kAutoencoder,
  kConvAutoencoder,
  kTorchScript
};
enum class Activation { kRelu, kTanh, kGelu, kSilu, kLeakyRelu, kElu, kHardswish };
enum class Norm { kNone, kBatch, kLayer, kGroup };
enum class BilinearPooling { kFull, kCompact };
enum class Attention { kNone, kSpatial };

// Each architecture looks at the options that the table (base/trainer_options/model.cc) gives it, and at no other.
struct ModelOptions {
  Architecture architecture = Architecture::kLenet;
  int64_t hidden_units = 128;
  int64_t hidden_layers = 2;  // >= 0
  int64_t channels = 16;
  int64_t blocks = 3;
  int64_t kernel_size = 5;  // side in pixels; odd
  int64_t patch_size = 4;   // pixels
  double width_multiplier = 1;
  int64_t embedding_units = 32;
  int64_t category_units = 8;
  BilinearPooling pooling = BilinearPooling::kFull;
  int64_t sketch_units = 1024;
  Attention attention = Attention::kNone;
  Activation activation = Activation::kRelu;
  Norm norm = Norm::kNone;
  double dropout = 0;  // [0, 1)
  bool channels_last = true;
  std::string model_file = "";  // torchscript

  bool operator==(const ModelOptions&) const = default;
};

// Where the weights start, and which of them train when.
struct TransferOptions {
  std::string pretrained = "";         // a checkpoint file; empty = none
  std::string pretrained_prefix = "";  // OLD=NEW, by commas
  double freeze_epochs = 0;
  double backbone_learning_rate_factor = 1;
};

}  // namespace athanor::training
