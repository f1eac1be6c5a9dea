// A model that is nothing but parameters, to try update rules on.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "worker/training/models/model.h"

namespace athanor::training {

class ParametersModel final : public Model {
 public:
  // Parameters named 0, 1, ...
  explicit ParametersModel(std::vector<at::Tensor> parameters) : parameters_(std::move(parameters)) {
    for (at::Tensor& parameter : parameters_) parameter.set_requires_grad(true);
  }

  at::Tensor& operator[](size_t i) { return parameters_[i]; }
  // Of element `element` of parameter `i`.
  double Value(size_t i, int64_t element) const { return parameters_[i].detach().flatten()[element].item<double>(); }
  double Gradient(size_t i, int64_t element) const { return parameters_[i].grad().flatten()[element].item<double>(); }

  at::Tensor Forward(const at::Tensor& inputs) override { return inputs; }
  void SetMode(Mode) override {}
  void MoveTo(const at::Device&) override {}
  std::vector<NamedTensor> Parameters() override {
    std::vector<NamedTensor> named;
    for (size_t i = 0; i < parameters_.size(); ++i) named.push_back({std::to_string(i), parameters_[i]});
    return named;
  }
  std::vector<NamedTensor> Buffers() override { return {}; }
  std::string HeadPrefix() const override { return ""; }

 private:
  std::vector<at::Tensor> parameters_;
};

}  // namespace athanor::training
