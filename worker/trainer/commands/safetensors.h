// Weights in the safetensors format (https://huggingface.co/docs/safetensors), which most tools of the field read.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "worker/training/models/model.h"

namespace athanor {

// Writes float32 and int64 tensors by name: the length of a JSON header as 8 little-endian bytes, the header, then the
// elements of each tensor in row-major order. `metadata`: texts for the header. Throws std::runtime_error naming the
// file if it cannot be written.
void WriteSafetensors(const std::filesystem::path& path, const std::vector<training::NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata);

}  // namespace athanor
