// Which tensors a checkpoint holds and how they lie in it, so that its weights can be taken into a model of another
// plan.
//
// Section `layout` of a checkpoint (checkpoints/checkpoint_file.h): text, one line a tensor, fields parted by one
// space, every line ended by a newline:
//   parameter START SIZES STRIDES NAME     in the section `parameters`, and likewise in `best_parameters`
//   buffer TYPE SIZES NAME                 in the section `buffer/NAME`, and likewise in `best_buffer/NAME`
// START: the first element's place among the float32 elements of the section. SIZES, STRIDES: numbers joined by x, `-`
// for a tensor without dimensions. TYPE: float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8 or bool;
// a buffer's elements lie one after another in row-major order. NAME: the rest of the line. Example:
//   parameter 0 16x1x3x3 9x1x3x1 conv1.weight
//   parameter 144 16 1 norm1.weight
//   buffer float32 16 norm1.running_mean
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "worker/training/checkpoints/checkpoint_file.h"
#include "worker/training/models/model.h"

namespace athanor::training {

// Whether a layout can tell of such a buffer: dense, of one of the types above.
bool CanBeSaved(const at::Tensor& buffer);

// The text of the section `layout`. The model's parameters must be views of one tensor, the one that is saved as
// `parameters` (optimizers/flat_parameters.h), and CanBeSaved must be true of its buffers.
std::string WriteLayout(Model& model);

// All tensors that the sections of a checkpoint hold of a model, on the CPU, by name: the best model's where there is
// one, else the present one's, with averaged weights where they are averaged. They are copies and share nothing with
// `sections`.
//
// Throws CheckpointError, naming the section or the line, if the sections have no layout or one that is not as above,
// or if a tensor lies outside its section; nothing is allocated before its size is checked against the section's.
std::vector<NamedTensor> TensorsOfCheckpoint(const CheckpointSections& sections);

}  // namespace athanor::training
