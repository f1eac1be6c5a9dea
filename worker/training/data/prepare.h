// Raw examples made ready for training: divided, standardised, encoded, brought to the device.
#pragma once

#include <memory>

#include "worker/training/data/dataset.h"
#include "worker/training/data/raw_dataset.h"

namespace athanor::training {

// The division: the test part, if the data set has none, is test_fraction of all (a split of its own seed); then
// max_train_examples and max_test_examples count; then validation, if the data set has no such part, is
// validation_fraction of the rest. Stratified by class if options.split says so. Means and deviations are of the
// training half alone. Where memory allows (twice the size of the examples is free, so that at least as much is left),
// examples lie on `device`, else on the CPU. Tensors on the CPU share the memory of `raw` where they can.
//
// Throws InfeasibleError if the examples do not have what the task wants, or too few are left to split; DataError
// naming the column if a number, standardised, does not fit a float. The hash of the result is left empty.
Dataset PrepareDataset(const std::shared_ptr<const RawDataset>& raw, const DataOptions& options, TaskKind task,
                       const at::Device& device);

// Rows of a table as a model takes them: float32 [N, shape.features + shape.categories]. Throws DataError naming the
// column if a number, standardised, does not fit a float.
at::Tensor EncodeTable(const RawPart& part, const Shape& shape, const Normalization& normalization);

// Fills pixel_scale and pixel_shift from `normalization`, if there are several channels.
void MakePixelScaling(Dataset& dataset, const at::Device& device);

// Raw inputs on `device` as the model takes them: pixels standardised, tables as they are. `inputs` is float32 and may
// be changed in place.
at::Tensor ScaledInputs(const Dataset& dataset, at::Tensor inputs);

}  // namespace athanor::training
