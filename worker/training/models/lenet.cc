#include <ATen/ops/max_pool2d.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "worker/training/errors.h"
#include "worker/training/models/model.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

void PushConvolution(torch::nn::Sequential& layers, const ModelOptions& options, int64_t in, int64_t out,
                     int64_t padding) {
  layers->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, options.kernel_size).padding(padding)));
  if (options.norm == Norm::kBatch) layers->push_back(torch::nn::BatchNorm2d(out));
  layers->push_back(torch::nn::Functional([](const at::Tensor& x) { return at::max_pool2d(x, {2, 2}); }));
  layers->push_back(ActivationLayer(options.activation));
}

// Side of the image after both convolutions and poolings.
int64_t PooledSide(int64_t side, int64_t kernel_size) { return (side / 2 - kernel_size + 1) / 2; }

}  // namespace

std::unique_ptr<Model> MakeLenet(const ModelSpec& spec) {
  const ModelOptions& options = spec.options;
  const Shape& shape = spec.shape;
  const int64_t height = PooledSide(shape.height, options.kernel_size);
  const int64_t width = PooledSide(shape.width, options.kernel_size);
  if (height < 1 || width < 1) {
    throw InfeasibleError("kernel_size " + std::to_string(options.kernel_size) + " is too large for images of " +
                          std::to_string(shape.height) + " x " + std::to_string(shape.width));
  }
  torch::nn::Sequential layers;
  PushConvolution(layers, options, shape.channels, options.channels, options.kernel_size / 2);
  PushConvolution(layers, options, options.channels, 2 * options.channels, 0);
  layers->push_back(torch::nn::Flatten());
  if (options.dropout > 0) layers->push_back(torch::nn::Dropout(options.dropout));
  layers->push_back(torch::nn::Linear(2 * options.channels * height * width, options.hidden_units));
  if (options.norm == Norm::kBatch) layers->push_back(torch::nn::BatchNorm1d(options.hidden_units));
  layers->push_back(ActivationLayer(options.activation));
  if (options.dropout > 0) layers->push_back(torch::nn::Dropout(options.dropout));
  layers->push_back("head", torch::nn::Linear(options.hidden_units, shape.outputs));
  return WrapModule(std::move(layers), options.channels_last);
}

}  // namespace athanor::training
