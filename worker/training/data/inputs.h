// Data to predict from, by the shape and the normalization that a model was trained with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "worker/training/data/dataset.h"

namespace athanor::training {

struct Inputs {
  // `test` holds the inputs, with 0 for each target; shape and normalization are the given ones; nothing trains. A
  // batch is GatherBatch(dataset, dataset.test, indices, device).
  Dataset dataset;
  std::vector<std::string> names;  // of each row
};

// What is read, by what lies at `path`. For models of images:
//   a folder           all PNG and JPEG files below it, by path; the name is the path inside the folder
//   a PNG or JPEG file  this one image; the name is the file's
//   an IDX file         of unsigned bytes in three dimensions, plain or gzip; the name is the number from 0
// each resized to the model's size; gray and colour become what the model takes (StackImages). For models of tables:
//   a CSV file          the columns that the model was trained on, by name; others are passed over; a text that
//                       training has not seen counts as a missing one. The name is the row's line in the file
//
// Throws DataError naming the file and the place in it; also if there is nothing to predict from. Blocks. Tensors lie
// on the CPU; `device` is where batches will go. `threads` decode.
Inputs ReadInputs(const std::filesystem::path& path, const Shape& shape, const Normalization& normalization,
                  const at::Device& device, int threads, const LoadingHeartbeat& heartbeat);

}  // namespace athanor::training
