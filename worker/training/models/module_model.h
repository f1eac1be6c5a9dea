// A Model over a network of layers, and what all builders of networks check.
#pragma once

#include <memory>
#include <string>

#include "worker/training/models/layers.h"
#include "worker/training/models/model.h"

namespace athanor::training {

// channels_last: weights of convolutions lie channels last, and so do the images behind the first of them. The head's
// parameters begin with `head_prefix`.
std::unique_ptr<Model> WrapNetwork(std::shared_ptr<Layer> network, bool channels_last,
                                   std::string head_prefix = "head.");

// Throws InfeasibleError, naming the model, if the inputs are a table.
void RequireImages(const ModelSpec& spec, const std::string& model);

// Images that are this small are not reduced as much as those that the architectures were made for.
inline bool SmallImages(const Shape& shape) { return shape.height < 64 || shape.width < 64; }

}  // namespace athanor::training
