#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "worker/training/models/model.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {

std::unique_ptr<Model> MakeMlp(const ModelSpec& spec) {
  const ModelOptions& options = spec.options;
  torch::nn::Sequential layers;
  layers->push_back(torch::nn::Flatten());
  int64_t width = spec.shape.channels * spec.shape.height * spec.shape.width;
  const int64_t hidden_layers = options.architecture == Architecture::kLinear ? 0 : options.hidden_layers;
  for (int64_t layer = 0; layer < hidden_layers; ++layer) {
    layers->push_back(torch::nn::Linear(width, options.hidden_units));
    if (options.norm == Norm::kBatch) layers->push_back(torch::nn::BatchNorm1d(options.hidden_units));
    layers->push_back(ActivationLayer(options.activation));
    if (options.dropout > 0) layers->push_back(torch::nn::Dropout(options.dropout));
    width = options.hidden_units;
  }
  layers->push_back("head", torch::nn::Linear(width, spec.shape.outputs));
  return WrapModule(std::move(layers), options.channels_last);
}

}  // namespace athanor::training
