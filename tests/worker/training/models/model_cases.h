// Models of all architectures, small enough for tests.
#pragma once

#include <ATen/Context.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "worker/training/models/model.h"

namespace athanor::training {

inline Shape Images(int64_t channels, int64_t height, int64_t width, int64_t outputs) {
  return {.channels = channels, .height = height, .width = width, .outputs = outputs};
}

inline Shape Table(int64_t features, std::vector<int64_t> categories, int64_t outputs) {
  return {.input = InputKind::kTable, .features = features, .categories = std::move(categories), .outputs = outputs};
}

inline int64_t ParameterCount(Model& model) {
  int64_t count = 0;
  for (const NamedTensor& parameter : model.Parameters()) count += parameter.tensor.numel();
  return count;
}

// `batch` inputs of this shape: standard normal pixels and numbers, categories at random.
inline at::Tensor RandomInputs(const Shape& shape, int64_t batch) {
  if (shape.input == InputKind::kImages) return at::randn({batch, shape.channels, shape.height, shape.width});
  at::Tensor inputs = at::randn({batch, shape.features + static_cast<int64_t>(shape.categories.size())});
  for (size_t i = 0; i < shape.categories.size(); ++i) {
    inputs.select(1, shape.features + static_cast<int64_t>(i)).copy_(at::randint(shape.categories[i], {batch}));
  }
  return inputs;
}

struct ModelCase {
  const char* name;
  ModelOptions options;
  TaskKind task = TaskKind::kClassification;
  bool table = false;           // else images
  double learning_rate = 3e-3;  // for Adam

  ModelSpec Spec(const Shape& images) const {
    const Shape shape = table ? Table(3, {2, 4}, images.outputs) : images;
    return {.options = options, .task = task, .shape = shape};
  }
};

inline std::ostream& operator<<(std::ostream& out, const ModelCase& model_case) { return out << model_case.name; }

// Every architecture that is built in, and its variants.
inline std::vector<ModelCase> ModelCases() {
  using enum Architecture;
  using enum TaskKind;
  return {
      {"linear", {.architecture = kLinear}},
      {"mlp", {.architecture = kMlp, .hidden_units = 32}},
      {"mlp_batch_norm", {.architecture = kMlp, .hidden_units = 32, .norm = Norm::kBatch}},
      {"mlp_table", {.architecture = kMlp, .hidden_units = 32}, kClassification, true, 1e-2},
      {"lenet", {.hidden_units = 32, .channels = 8, .kernel_size = 3}},
      {"lenet_group_norm", {.hidden_units = 32, .channels = 8, .kernel_size = 3, .norm = Norm::kGroup}},
      {"cnn", {.architecture = kCnn, .channels = 8, .blocks = 2, .kernel_size = 3}},
      {"cnn_layer_norm", {.architecture = kCnn, .channels = 8, .blocks = 2, .kernel_size = 3, .norm = Norm::kLayer}},
      {"inception", {.architecture = kInception, .width_multiplier = 0.125}},
      {"inception_attention",
       {.architecture = kInception, .width_multiplier = 0.125, .attention = Attention::kSpatial}},
      {"gmlp",
       {.architecture = kGmlp, .hidden_units = 64, .channels = 32, .blocks = 2, .patch_size = 4},
       kClassification,
       false,
       1e-2},
      {"mobilenet_v3_small", {.architecture = kMobilenetV3Small, .width_multiplier = 0.25}},
      {"mobilenet_v3_large", {.architecture = kMobilenetV3Large, .width_multiplier = 0.25}},
      {"resnet18", {.architecture = kResnet18, .width_multiplier = 0.125}},
      {"resnet20", {.architecture = kResnet20, .width_multiplier = 0.5}},
      {"resnet32", {.architecture = kResnet32, .width_multiplier = 0.5}},
      {"resnet44", {.architecture = kResnet44, .width_multiplier = 0.5}},
      {"bilinear", {.architecture = kBilinear, .channels = 8, .blocks = 2}, kClassification, false, 3e-2},
      {"bilinear_compact",
       {.architecture = kBilinear,
        .channels = 8,
        .blocks = 2,
        .pooling = BilinearPooling::kCompact,
        .sketch_units = 128},
       kClassification,
       false,
       3e-2},
      {"autoencoder", {.architecture = kAutoencoder, .hidden_units = 64, .hidden_layers = 1}, kReconstruction},
      {"autoencoder_head", {.architecture = kAutoencoder, .hidden_units = 64, .hidden_layers = 1}},
      {"conv_autoencoder",
       {.architecture = kConvAutoencoder, .channels = 8, .blocks = 2},
       kReconstruction,
       false,
       1e-2},
      {"conv_autoencoder_batch_norm",
       {.architecture = kConvAutoencoder, .channels = 8, .blocks = 2, .norm = Norm::kBatch},
       kReconstruction},
      {"conv_autoencoder_head", {.architecture = kConvAutoencoder, .channels = 8, .blocks = 2}},
  };
}

}  // namespace athanor::training
