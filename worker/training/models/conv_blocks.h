// The stack of convolutions of cnn and bilinear.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/training/data/shape.h"
#include "worker/training/models/layers.h"
#include "worker/training/options/model_options.h"

namespace athanor::training {

struct ConvBlocksSpec {
  std::string model;         // for messages
  int64_t blocks = 1;        // each halves the image
  int64_t channels = 1;      // of the first block, doubled by each further one
  int64_t kernel_size = 3;   // odd
  Norm norm = Norm::kBatch;  // without one the convolutions have a bias
  Activation activation = Activation::kRelu;
};

// Blocks of convolution, [norm], 2 x 2 max pooling and activation: children `N.conv` and `N.norm`.
class ConvBlocks final : public Layer {
 public:
  // Throws InfeasibleError if the images of `shape` are too small to be halved so often.
  ConvBlocks(const ConvBlocksSpec& spec, const Shape& shape);
  at::Tensor Forward(const at::Tensor& x) override;

  // Of what comes out.
  int64_t channels() const { return channels_; }
  int64_t height() const { return height_; }
  int64_t width() const { return width_; }

 private:
  std::vector<std::shared_ptr<Layer>> blocks_;
  int64_t channels_;
  int64_t height_;
  int64_t width_;
};

}  // namespace athanor::training
