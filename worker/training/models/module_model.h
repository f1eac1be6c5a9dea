// A Model over a LibTorch module, and the layers that the networks share. Includes LibTorch's module headers: for the
// files that build networks only.
#pragma once

#include <torch/nn/modules/container/functional.h>
#include <torch/nn/modules/container/sequential.h>

#include <memory>

#include "worker/training/models/model.h"

namespace athanor::training {

torch::nn::Functional ActivationLayer(Activation activation);

// Takes over the layers. The last one is to be named `head`.
std::unique_ptr<Model> WrapModule(torch::nn::Sequential layers, bool channels_last);

}  // namespace athanor::training
