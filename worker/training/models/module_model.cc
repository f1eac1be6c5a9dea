#include "worker/training/models/module_model.h"

#include <ATen/ops/empty.h>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::vector<NamedTensor> Named(const torch::OrderedDict<std::string, at::Tensor>& tensors) {
  std::vector<NamedTensor> named;
  for (const auto& item : tensors) named.push_back({item.key(), item.value()});
  return named;
}

// One channel, or a kernel of one pixel, lies the same either way, so that contiguous() would leave the strides as they
// are. But by its strides LibTorch tells how the output is to lie, and every layer behind follows.
at::Tensor ChannelsLast(const at::Tensor& weight) {
  return at::empty(weight.sizes(), weight.options(), at::MemoryFormat::ChannelsLast).copy_(weight);
}

class ModuleModel final : public Model {
 public:
  ModuleModel(std::shared_ptr<Layer> network, bool channels_last, std::string head_prefix)
      : network_(std::move(network)), head_prefix_(std::move(head_prefix)) {
    // Convolutional networks take half to three quarters of the time channels last on a CPU. The same on every device,
    // so that a checkpoint fits all.
    if (!channels_last) return;
    for (at::Tensor& parameter : network_->parameters()) {
      if (parameter.dim() == 4) parameter.set_data(ChannelsLast(parameter.detach()));
    }
  }

  at::Tensor Forward(const at::Tensor& inputs) override { return network_->Forward(inputs); }
  void MoveTo(const at::Device& device) override { network_->to(device); }
  void SetMode(Mode mode) override { network_->train(mode == Mode::kTraining); }
  std::vector<NamedTensor> Parameters() override { return Named(network_->named_parameters()); }
  std::vector<NamedTensor> Buffers() override { return Named(network_->named_buffers()); }
  std::string HeadPrefix() const override { return head_prefix_; }

 private:
  std::shared_ptr<Layer> network_;
  std::string head_prefix_;
};

}  // namespace

std::unique_ptr<Model> WrapNetwork(std::shared_ptr<Layer> network, bool channels_last, std::string head_prefix) {
  return std::make_unique<ModuleModel>(std::move(network), channels_last, std::move(head_prefix));
}

void RequireImages(const ModelSpec& spec, const std::string& model) {
  if (spec.shape.input == InputKind::kImages) return;
  throw InfeasibleError("model: " + model + " needs images; the data set is a table of " +
                        std::to_string(spec.shape.features + static_cast<int64_t>(spec.shape.categories.size())) +
                        " columns");
}

}  // namespace athanor::training
