#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "worker/training/model.h"
#include "worker/training/module_model.h"

namespace athanor::training {

std::unique_ptr<Model> MakeMlp(const ModelOptions& options, const ImageShape& shape, const at::Device& device) {
  torch::nn::Sequential layers;
  layers->push_back(torch::nn::Flatten());
  int64_t width = shape.height * shape.width;
  for (int64_t layer = 0; layer < options.hidden_layers; ++layer) {
    layers->push_back(torch::nn::Linear(width, options.hidden_units));
    if (options.batch_norm) layers->push_back(torch::nn::BatchNorm1d(options.hidden_units));
    layers->push_back(ActivationLayer(options.activation));
    if (options.dropout > 0) layers->push_back(torch::nn::Dropout(options.dropout));
    width = options.hidden_units;
  }
  layers->push_back(torch::nn::Linear(width, shape.classes));
  return WrapModule(std::move(layers), device);
}

}  // namespace athanor::training
