// Weights that do not start at random.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/training/models/model.h"
#include "worker/training/options/model_options.h"

namespace athanor::training {

// Copies into the model what the file options.pretrained holds under the same name and of the same shape, parameters
// and buffers: a checkpoint of ours (the best model in it, parameter_layout.h) or a TorchScript module. What has
// another shape there, such as the head for other classes, or is not there stays as it is.
//
// options.pretrained_prefix renames the file's tensors first: of the pairs OLD=NEW, parted by commas, the first whose
// OLD begins a name replaces it by NEW. Either may be empty: `backbone.=` takes a prefix away, `=encoder.` adds one.
//
// Returns what was done as lines for a log: how many of the model's tensors were taken, then which are of another shape
// and which are missing in the file, and which of the file found no place, at most ten names each.
//
// Throws DataError, naming the file, if it cannot be read or is neither of the two; InfeasibleError if nothing matches,
// if pretrained_prefix is not as above or gives two tensors one name.
std::vector<std::string> TransferWeights(const TransferOptions& options, Model& model);

// Sets the bias of the last layer so that, where its weights say nothing, each class is as probable as it is frequent:
// log p (Lin et al. 2017, arXiv:1708.02002, section 4.1, for more than two classes). A class without examples counts as
// one. class_counts: of the training half.
//
// Throws InfeasibleError if the model tells no head or its head has no bias of one number a class.
void SetPriorBias(Model& model, const std::vector<int64_t>& class_counts);

}  // namespace athanor::training
