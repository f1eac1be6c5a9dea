// What is trained (models/model.h).
//
// Plain values: ParseTrainingOptions has checked each against its range; sizes that the data or another option do not
// allow are refused by MakeModel. An option is looked at by the architectures named with it (dropout by nearly all) and
// by no other; what each does in the network stands in models/architectures.h.
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

struct ModelOptions {
  Architecture architecture = Architecture::kLenet;
  int64_t hidden_units = 128;    // mlp, autoencoder: of each hidden layer; lenet: of the first dense one; gmlp: even
  int64_t hidden_layers = 2;     // mlp, autoencoder (each way); >= 0
  int64_t channels = 16;         // lenet, cnn, conv_autoencoder, bilinear: first block; gmlp: of a token
  int64_t blocks = 3;            // cnn, conv_autoencoder, bilinear: each halves the image; gmlp
  int64_t kernel_size = 5;       // lenet, cnn: side in pixels; odd
  int64_t patch_size = 4;        // gmlp: side in pixels; divides the image's height and width
  double width_multiplier = 1;   // inception, mobilenet_v3, resnet: of all channel counts; > 0
  int64_t embedding_units = 32;  // autoencoder, conv_autoencoder: width of the code
  int64_t category_units = 8;    // linear, mlp with embedded categories: width of a vector
  BilinearPooling pooling = BilinearPooling::kFull;  // bilinear
  int64_t sketch_units = 1024;                       // bilinear with kCompact: width of the sketch
  Attention attention = Attention::kNone;            // inception
  Activation activation = Activation::kRelu;         // lenet, mlp, cnn, bilinear, autoencoder, conv_autoencoder
  Norm norm = Norm::kNone;                           // lenet, mlp, cnn, autoencoder, conv_autoencoder
  // Probability of zeroing, before the head and, in lenet and mlp, the hidden dense layers; autoencoders only with a
  // head; not linear, torchscript; [0, 1).
  double dropout = 0;
  bool channels_last = true;    // how weights of convolutions lie in memory; all but torchscript
  std::string model_file = "";  // torchscript: path of the module; not empty there

  bool operator==(const ModelOptions&) const = default;
};

// Where the weights start, and which of them train when: of all architectures. The latter two need a model that tells
// its head (Model::HeadPrefix).
struct TransferOptions {
  std::string pretrained = "";               // path of a checkpoint or TorchScript file; empty = none
  std::string pretrained_prefix = "";        // OLD=NEW, by commas (models/transfer.h)
  double freeze_epochs = 0;                  // in which the head alone is trained; >= 0
  double backbone_learning_rate_factor = 1;  // of all but the head afterwards; [0, 1], 0 = they are never trained
};

}  // namespace athanor::training
