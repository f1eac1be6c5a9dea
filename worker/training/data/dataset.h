// A data set, decoded once and shared by every trial that a process trains.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/training/data/raw_dataset.h"
#include "worker/training/data/shape.h"
#include "worker/training/options/data_options.h"
#include "worker/training/options/task_options.h"

namespace athanor::training {

struct Examples {
  // Images: uint8 [N, C, H, W]. Tables: float32 [N, features + categories]: numeric columns, standardised by the
  // training half, then the index of each category.
  at::Tensor inputs;
  // Classification: int64 [N], in [0, classes). Multi-label: float32 [N, labels] of 0 and 1. Regression: float32
  // [N, numbers], standardised by the training half. Reconstruction: as the files have them, and not looked at.
  at::Tensor targets;

  int64_t count() const { return inputs.size(0); }
};

// Immutable once loaded; safe to share between threads. Tensors lie on the training device, unless the examples do not
// fit there: then `training_part` and `test` stay on the CPU and batches are brought over one by one.
struct Dataset {
  Examples training_part;         // both halves of the split; the indices below choose
  Examples test;                  // for the final evaluation of the best model, nothing else
  at::Tensor train_indices;       // int64 [n], ascending, on the device of training_part
  at::Tensor validation_indices;  // int64 [m], ascending
  Shape shape;
  Normalization normalization;
  // Images of several channels: `normalization` as float32 [1, C, 1, 1] on the training device (MakePixelScaling).
  at::Tensor pixel_scale;
  at::Tensor pixel_shift;
  std::vector<int64_t> class_counts;  // classification: of the training half
  // Lower-case hex SHA-256 over the decoded examples in use and the split: equal hashes mean equal training data.
  std::string hash;
};

// A batch ready for the model, on the training device.
struct Batch {
  at::Tensor inputs;   // images: float32 [B, C, H, W], (pixel / 255 - mean) / stddev; tables as in Examples
  at::Tensor targets;  // [B, ...] as in Examples
  // Mixup (augmentation.h): the loss is mix * L(outputs, targets) + (1 - mix) * L(outputs, other_targets). Undefined
  // where nothing is mixed.
  at::Tensor other_targets;
  double mix = 1;
};

// Gathers the examples `indices` (int64 [B], on the device of the examples) into a batch on `device`. Does not depend
// on the order of earlier calls.
//
// Performance: 128 images of 28 x 28 take about 0.05 ms on one core, a five-hundredth of the optimiser step of lenet on
// the same core, so gathering in line beats a second thread that would compete for the core (tests/bench/training
// measures it).
Batch GatherBatch(const Dataset& dataset, const Examples& examples, const at::Tensor& indices,
                  const at::Device& device);

// Loads data sets and keeps the last one, with its decoded files. Not thread-safe.
//
// The same options, task, device and unchanged files (size and modification time) get the same object at no cost;
// another split or device over the same files is made without decoding again.
class DatasetCache {
 public:
  DatasetCache();
  ~DatasetCache();

  // Throws DataError naming the file and offset or line if a file is missing, truncated, of another format, has other
  // counts than its partner or a label out of range; InfeasibleError if the data set is not for this task or too little
  // is left to split. What each kind of data set reads stands in source.h, how its examples are divided and
  // standardised in prepare.h. Blocks while it reads and decodes, on `threads` threads: about half a second for
  // Fashion-MNIST.
  std::shared_ptr<const Dataset> Get(const DataOptions& options, TaskKind task, const at::Device& device, int threads,
                                     const LoadingHeartbeat& heartbeat);

 private:
  struct Decoded;
  const Decoded& Decode(const DataOptions& options, TaskKind task, int threads, const LoadingHeartbeat& heartbeat);

  std::unique_ptr<Decoded> decoded_;
  DataOptions options_;
  std::optional<at::Device> device_;
  std::shared_ptr<const Dataset> dataset_;
};

}  // namespace athanor::training
