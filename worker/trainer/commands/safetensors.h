// Weights in the safetensors format (https://huggingface.co/docs/safetensors), which most tools of the field read.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "worker/training/models/model.h"

namespace athanor {

// Writes float32 and int64 tensors by name: the length of a JSON header as 8 little-endian bytes, the header, then the
// elements of each tensor in row-major order. `metadata`: texts for the header. Throws std::runtime_error naming a
// tensor of another type. Whether it could be written, `out` tells.
void WriteSafetensors(std::ostream& out, const std::vector<training::NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata);

}  // namespace athanor
