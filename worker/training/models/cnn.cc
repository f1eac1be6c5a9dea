#include <ATen/ops/flatten.h>

#include "worker/training/models/architectures.h"
#include "worker/training/models/conv_blocks.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

class Cnn final : public Layer {
 public:
  explicit Cnn(const ModelSpec& spec) {
    const ModelOptions& options = spec.options;
    const ConvBlocksSpec blocks = {.model = "cnn",
                                   .blocks = options.blocks,
                                   .channels = options.channels,
                                   .kernel_size = options.kernel_size,
                                   .norm = options.norm,
                                   .activation = options.activation};
    blocks_ = register_module("blocks", std::make_shared<ConvBlocks>(blocks, spec.shape));
    dropout_ = register_module("dropout", std::make_shared<Dropout>(options.dropout));
    const int64_t features = blocks_->channels() * blocks_->height() * blocks_->width();
    head_ = register_module("head", std::make_shared<Dense>(features, spec.shape.outputs));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    return head_->Forward(dropout_->Forward(at::flatten(blocks_->Forward(x), 1)));
  }

 private:
  std::shared_ptr<ConvBlocks> blocks_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Dense> head_;
};

}  // namespace

std::unique_ptr<Model> MakeCnn(const ModelSpec& spec) {
  RequireImages(spec, "cnn");
  return WrapNetwork(std::make_shared<Cnn>(spec), spec.options.channels_last);
}

}  // namespace athanor::training
