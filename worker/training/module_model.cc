#include "worker/training/module_model.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

namespace athanor::training {
namespace {

class ModuleModel final : public Model {
 public:
  ModuleModel(torch::nn::Sequential layers, const at::Device& device) : layers_(std::move(layers)) {
    layers_->to(device);
    // Convolution and pooling are a third faster channels last on a CPU. The same on every device, so that a checkpoint
    // fits all.
    for (at::Tensor& parameter : layers_->parameters()) {
      if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
  }

  at::Tensor Forward(const at::Tensor& images) override { return layers_->forward(images); }
  void SetMode(Mode mode) override { layers_->train(mode == Mode::kTraining); }
  std::vector<NamedTensor> Parameters() override { return Named(layers_->named_parameters()); }
  std::vector<NamedTensor> Buffers() override { return Named(layers_->named_buffers()); }

 private:
  static std::vector<NamedTensor> Named(const torch::OrderedDict<std::string, at::Tensor>& tensors) {
    std::vector<NamedTensor> named;
    for (const auto& item : tensors) named.push_back({item.key(), item.value()});
    return named;
  }

  torch::nn::Sequential layers_;
};

}  // namespace

torch::nn::Functional ActivationLayer(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return torch::nn::Functional([](const at::Tensor& x) { return at::relu(x); });
    case Activation::kTanh:
      return torch::nn::Functional([](const at::Tensor& x) { return at::tanh(x); });
    case Activation::kGelu:
      return torch::nn::Functional([](const at::Tensor& x) { return at::gelu(x); });
    case Activation::kSilu:
      break;
  }
  return torch::nn::Functional([](const at::Tensor& x) { return at::silu(x); });
}

std::unique_ptr<Model> WrapModule(torch::nn::Sequential layers, const at::Device& device) {
  return std::make_unique<ModuleModel>(std::move(layers), device);
}

}  // namespace athanor::training
