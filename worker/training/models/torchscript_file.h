// TorchScript files, without LibTorch's headers of them: those are slow to compile.
#pragma once

#include <filesystem>
#include <vector>

#include "worker/training/models/model.h"

namespace athanor::training {

// All parameters and buffers of the module in the file, on the CPU, each under the first of its names. Throws
// DataError, naming the file and the cause, if it is missing or no TorchScript module.
std::vector<NamedTensor> TensorsOfTorchScript(const std::filesystem::path& path);

}  // namespace athanor::training
