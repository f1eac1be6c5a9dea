#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "base/random.h"
#include "worker/training/models/architectures.h"
#include "worker/training/models/conv_blocks.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

// Count sketch of `channels` numbers in `units` (Pham and Pagh 2013): each is added, with a sign, to one of them. Both
// are drawn from a seed that is the same in all trials, and are buffers, so that weights behind a sketch keep their
// meaning.
class CountSketch final : public Layer {
 public:
  CountSketch(int64_t channels, int64_t units, uint64_t stream) : units_(units) {
    Random random({HashString("tensor sketch"), stream, static_cast<uint64_t>(channels), static_cast<uint64_t>(units)});
    std::vector<int64_t> places;
    std::vector<float> signs;
    for (int64_t channel = 0; channel < channels; ++channel) {
      places.push_back(static_cast<int64_t>(random.Below(static_cast<uint64_t>(units))));
      signs.push_back(random.Below(2) == 0 ? -1.F : 1.F);
    }
    places_ = register_buffer("places", at::tensor(places).unsqueeze(1));
    signs_ = register_buffer("signs", at::tensor(signs).unsqueeze(1));
  }

  // x [B, pixels, channels] to [B, pixels, units].
  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor matrix = at::zeros({signs_.size(0), units_}, signs_.options()).scatter(1, places_, signs_);
    return at::matmul(x, matrix);
  }

 private:
  int64_t units_;
  at::Tensor places_;
  at::Tensor signs_;
};

class Bilinear final : public Layer {
 public:
  explicit Bilinear(const ModelSpec& spec) : pooling_(spec.options.pooling), sketch_units_(spec.options.sketch_units) {
    const ConvBlocksSpec stream = {.model = "bilinear",
                                   .blocks = spec.options.blocks,
                                   .channels = spec.options.channels,
                                   .activation = spec.options.activation};
    streams_ = register_module("streams", std::make_shared<Chain>());
    for (auto* const blocks : {&first_, &second_}) {
      *blocks = std::make_shared<ConvBlocks>(stream, spec.shape);
      streams_->Add(*blocks);
    }
    const int64_t channels = first_->channels();
    pixels_ = static_cast<double>(first_->height() * first_->width());
    int64_t products = channels * channels;
    if (pooling_ == BilinearPooling::kCompact) {
      first_sketch_ = register_module("sketch1", std::make_shared<CountSketch>(channels, sketch_units_, 1));
      second_sketch_ = register_module("sketch2", std::make_shared<CountSketch>(channels, sketch_units_, 2));
      products = sketch_units_;
    }
    dropout_ = register_module("dropout", std::make_shared<Dropout>(spec.options.dropout));
    head_ = register_module("head", std::make_shared<Dense>(products, spec.shape.outputs));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor a = first_->Forward(x).flatten(2);  // [B, C, pixels]
    const at::Tensor b = second_->Forward(x).flatten(2);
    const at::Tensor products = pooling_ == BilinearPooling::kFull ? AllProducts(a, b) : SketchedProducts(a, b);
    return head_->Forward(dropout_->Forward(ScaledToOne(SignedRoot(products / pixels_))));
  }

 private:
  static at::Tensor AllProducts(const at::Tensor& a, const at::Tensor& b) {
    return at::bmm(a, b.transpose(1, 2)).flatten(1);
  }

  // The sketch of an outer product is the circular convolution of both sketches: a product of their Fourier transforms,
  // which, being linear, are summed over the pixels before they are transformed back. In float32, whatever the
  // precision: transforms know no other on a CPU.
  at::Tensor SketchedProducts(const at::Tensor& a, const at::Tensor& b) const {
    const at::Tensor fa = at::fft_rfft(first_sketch_->Forward(a.transpose(1, 2)).to(at::kFloat));
    const at::Tensor fb = at::fft_rfft(second_sketch_->Forward(b.transpose(1, 2)).to(at::kFloat));
    return at::fft_irfft((fa * fb).sum(1), sketch_units_);
  }

  // Bounded slope at 0.
  static at::Tensor SignedRoot(const at::Tensor& x) { return at::sign(x) * at::sqrt(x.abs() + 1e-5); }

  static at::Tensor ScaledToOne(const at::Tensor& x) { return x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12); }

  BilinearPooling pooling_;
  int64_t sketch_units_;
  double pixels_ = 1;
  std::shared_ptr<Chain> streams_;
  std::shared_ptr<ConvBlocks> first_;
  std::shared_ptr<ConvBlocks> second_;
  std::shared_ptr<CountSketch> first_sketch_;
  std::shared_ptr<CountSketch> second_sketch_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Dense> head_;
};

}  // namespace

std::unique_ptr<Model> MakeBilinear(const ModelSpec& spec) {
  RequireImages(spec, "bilinear");
  return WrapNetwork(std::make_shared<Bilinear>(spec), spec.options.channels_last);
}

}  // namespace athanor::training
