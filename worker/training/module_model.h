// A Model over a LibTorch sequence of layers, and the layers that the networks share. Includes LibTorch's module
// headers: for the files that build networks only.
#pragma once

#include <torch/nn/modules/container/functional.h>
#include <torch/nn/modules/container/sequential.h>

#include <memory>

#include "worker/training/model.h"

namespace athanor::training {

torch::nn::Functional ActivationLayer(Activation activation);

// Takes over the layers and moves them to `device`.
std::unique_ptr<Model> WrapModule(torch::nn::Sequential layers, const at::Device& device);

}  // namespace athanor::training
