// Models for other programs.
#pragma once

#include <filesystem>

#include "worker/training/data/shape.h"
#include "worker/training/models/model.h"

namespace athanor::training {

// Writes the model to a TorchScript file that torch.jit.load reads in Python: `forward` takes a batch of any size of
// inputs of this shape and gives what Model::Forward gives in evaluation mode, which the model is left in. Parameters
// and buffers have their names. The model lies on the CPU.
//
// A built-in model is traced, so what is written evaluates only: its `train()` changes nothing but the flag. A
// TorchScript model is written as it was read.
//
// Throws LibTorch's errors if the file cannot be written; what is there then is no module.
void ExportTorchScript(Model& model, const Shape& shape, const std::filesystem::path& path);

}  // namespace athanor::training
