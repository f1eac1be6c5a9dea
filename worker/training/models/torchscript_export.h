// Models for other programs.
#pragma once

#include <string>

#include "worker/training/data/shape.h"
#include "worker/training/models/model.h"

namespace athanor::training {

// The bytes of a TorchScript file that torch.jit.load reads in Python: `forward` takes a batch of any size of
// inputs of this shape and gives what Model::Forward gives in evaluation mode, which the model is left in. Parameters
// and buffers have their names. The model lies on the CPU.
//
// A built-in model is traced, so what is written evaluates only: its `train()` changes nothing but the flag. A
// TorchScript model is written as it was read.
//
// In memory, because LibTorch ends the process where it writes to a disk that is full.
std::string ExportTorchScript(Model& model, const Shape& shape);

}  // namespace athanor::training
