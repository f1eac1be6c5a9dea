#include <ATen/ops/flatten.h>
#include <ATen/ops/max_pool2d.h>

#include "worker/training/errors.h"
#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

// Side of the image after both convolutions and poolings.
int64_t PooledSide(int64_t side, int64_t kernel_size) { return (side / 2 - kernel_size + 1) / 2; }

class Lenet final : public Layer {
 public:
  explicit Lenet(const ModelSpec& spec) : activation_(spec.options.activation) {
    const ModelOptions& options = spec.options;
    const Shape& shape = spec.shape;
    const int64_t kernel = options.kernel_size;
    const int64_t height = PooledSide(shape.height, kernel);
    const int64_t width = PooledSide(shape.width, kernel);
    if (height < 1 || width < 1) {
      throw InfeasibleError("kernel_size " + std::to_string(kernel) + " is too large for images of " +
                            std::to_string(shape.height) + " x " + std::to_string(shape.width));
    }
    const int64_t channels = options.channels;
    const ConvolutionSpec first = {.in = shape.channels, .out = channels, .kernel = kernel, .bias = true};
    const ConvolutionSpec second = {.in = channels, .out = 2 * channels, .kernel = kernel, .padding = 0, .bias = true};
    conv1_ = register_module("conv1", std::make_shared<Convolution>(first));
    norm1_ = register_module("norm1", std::make_shared<NormLayer>(options.norm, channels));
    conv2_ = register_module("conv2", std::make_shared<Convolution>(second));
    norm2_ = register_module("norm2", std::make_shared<NormLayer>(options.norm, 2 * channels));
    dense_ = register_module("dense", std::make_shared<Dense>(2 * channels * height * width, options.hidden_units));
    norm3_ = register_module("norm3", std::make_shared<NormLayer>(options.norm, options.hidden_units));
    dropout_ = register_module("dropout", std::make_shared<Dropout>(options.dropout));
    head_ = register_module("head", std::make_shared<Dense>(options.hidden_units, shape.outputs));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    at::Tensor y = PoolAndActivate(norm1_->Forward(conv1_->Forward(x)));
    y = at::flatten(PoolAndActivate(norm2_->Forward(conv2_->Forward(y))), 1);
    y = Activate(activation_, norm3_->Forward(dense_->Forward(dropout_->Forward(y))));
    return head_->Forward(dropout_->Forward(y));
  }

 private:
  at::Tensor PoolAndActivate(const at::Tensor& x) const { return Activate(activation_, at::max_pool2d(x, {2, 2})); }

  Activation activation_;
  std::shared_ptr<Convolution> conv1_;
  std::shared_ptr<NormLayer> norm1_;
  std::shared_ptr<Convolution> conv2_;
  std::shared_ptr<NormLayer> norm2_;
  std::shared_ptr<Dense> dense_;
  std::shared_ptr<NormLayer> norm3_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Dense> head_;
};

}  // namespace

std::unique_ptr<Model> MakeLenet(const ModelSpec& spec) {
  RequireImages(spec, "lenet");
  return WrapNetwork(std::make_shared<Lenet>(spec), spec.options.channels_last);
}

}  // namespace athanor::training
