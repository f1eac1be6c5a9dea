#include "worker/training/errors.h"
#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

// Hidden layers `0`, `1`, ... and a dense layer `out`.
void AddDenseLayers(Chain& chain, const ModelOptions& options, int64_t in, int64_t out) {
  int64_t width = in;
  for (int64_t layer = 0; layer < options.hidden_layers; ++layer) {
    chain.Add(std::to_string(layer), std::make_shared<HiddenLayer>(width, options, /*dropout=*/0));
    width = options.hidden_units;
  }
  chain.Add("out", std::make_shared<Dense>(width, out));
}

std::vector<int64_t> ExampleSizes(const Shape& shape) {
  if (shape.input == InputKind::kTable) return {shape.features};
  return {shape.channels, shape.height, shape.width};
}

}  // namespace

std::unique_ptr<Model> MakeAutoencoder(const ModelSpec& spec) {
  if (!spec.shape.categories.empty()) {
    throw InfeasibleError("model: autoencoder takes numeric columns only; want categories: one_hot");
  }
  const ModelOptions& options = spec.options;
  const std::vector<int64_t> sizes = ExampleSizes(spec.shape);
  int64_t numbers = 1;
  for (const int64_t size : sizes) numbers *= size;

  auto network = std::make_shared<Chain>();
  auto encoder = std::make_shared<Chain>();
  encoder->Add("flatten", std::make_shared<Reshape>(std::vector<int64_t>{numbers}));
  AddDenseLayers(*encoder, options, numbers, options.embedding_units);
  network->Add("encoder", encoder);
  if (spec.task != TaskKind::kReconstruction) {
    network->Add("dropout", std::make_shared<Dropout>(options.dropout));
    network->Add("head", std::make_shared<Dense>(options.embedding_units, spec.shape.outputs));
    return WrapNetwork(std::move(network), options.channels_last);
  }
  auto decoder = std::make_shared<Chain>();
  AddDenseLayers(*decoder, options, options.embedding_units, numbers);
  decoder->Add("unflatten", std::make_shared<Reshape>(sizes));
  network->Add("decoder", decoder);
  return WrapNetwork(std::move(network), options.channels_last, "decoder.");
}

}  // namespace athanor::training
