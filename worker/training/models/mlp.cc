#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/flatten.h>
#include <ATen/ops/tensor.h>

#include "worker/training/models/architectures.h"
#include "worker/training/models/layers.h"
#include "worker/training/models/module_model.h"

namespace athanor::training {
namespace {

// One table of vectors for the values of all categorical columns, one column's after another's.
class CategoryEmbedding final : public Layer {
 public:
  CategoryEmbedding(const Shape& shape, int64_t units) : features_(shape.features) {
    std::vector<int64_t> first_rows;
    int64_t rows = 0;
    for (const int64_t size : shape.categories) {
      first_rows.push_back(rows);
      rows += size;
    }
    weight_ = register_parameter("weight", at::empty({rows, units}).normal_());
    first_rows_ = register_buffer("first_rows", at::tensor(first_rows, at::kLong));
  }

  // x [B, features + categories]: the numeric columns and then the vectors of all categories.
  at::Tensor Forward(const at::Tensor& x) override {
    const int64_t categories = first_rows_.size(0);
    const at::Tensor rows = x.narrow(1, features_, categories).to(at::kLong) + first_rows_;
    return at::cat({x.narrow(1, 0, features_), at::flatten(at::embedding(weight_, rows), 1)}, 1);
  }

 private:
  int64_t features_;
  at::Tensor weight_;
  at::Tensor first_rows_;
};

class Mlp final : public Layer {
 public:
  explicit Mlp(const ModelSpec& spec) {
    const ModelOptions& options = spec.options;
    const Shape& shape = spec.shape;
    int64_t width = shape.channels * shape.height * shape.width;
    if (shape.input == InputKind::kTable) width = shape.features;
    if (!shape.categories.empty()) {
      embedding_ = register_module("embedding", std::make_shared<CategoryEmbedding>(shape, options.category_units));
      width += static_cast<int64_t>(shape.categories.size()) * options.category_units;
    }
    layers_ = register_module("layers", std::make_shared<Chain>());
    const int64_t hidden_layers = options.architecture == Architecture::kLinear ? 0 : options.hidden_layers;
    for (int64_t layer = 0; layer < hidden_layers; ++layer) {
      layers_->Add(std::make_shared<HiddenLayer>(width, options, options.dropout));
      width = options.hidden_units;
    }
    head_ = register_module("head", std::make_shared<Dense>(width, shape.outputs));
  }

  at::Tensor Forward(const at::Tensor& x) override {
    const at::Tensor rows = embedding_ == nullptr ? at::flatten(x, 1) : embedding_->Forward(x);
    return head_->Forward(layers_->Forward(rows));
  }

 private:
  std::shared_ptr<CategoryEmbedding> embedding_;
  std::shared_ptr<Chain> layers_;
  std::shared_ptr<Dense> head_;
};

}  // namespace

std::unique_ptr<Model> MakeMlp(const ModelSpec& spec) {
  return WrapNetwork(std::make_shared<Mlp>(spec), spec.options.channels_last);
}

}  // namespace athanor::training
