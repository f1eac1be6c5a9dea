// An image classification data set, decoded once and shared by every trial that a process trains.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "worker/training/options.h"

namespace athanor::training {

struct Examples {
  at::Tensor images;  // uint8 [N, H * W], on the training device
  at::Tensor labels;  // int64 [N], in [0, classes)

  int64_t count() const { return labels.size(0); }
};

// Immutable once loaded; safe to share between threads.
struct Dataset {
  Examples training_file;         // both halves of the split; the indices below choose
  Examples test;                  // for the final evaluation of the best model, nothing else
  at::Tensor train_indices;       // int64 [n], ascending, on the training device
  at::Tensor validation_indices;  // int64 [m], ascending
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;
  // Mean and standard deviation of the pixels of the training half, of pixels scaled to [0, 1].
  double mean = 0;
  double stddev = 1;
  // Lower-case hex SHA-256 over the decoded images and labels in use and the split: equal hashes mean equal training
  // data.
  std::string hash;
};

// A batch ready for the model.
struct Batch {
  at::Tensor images;  // float32 [B, 1, H, W], (pixel / 255 - mean) / stddev
  at::Tensor labels;  // int64 [B]
};

// Gathers the examples `indices` (int64 [B]) into a batch on their device. Does not depend on the order of earlier
// calls.
//
// Performance: 128 images of 28 x 28 take about 0.05 ms on one core, a five-hundredth of the optimiser step of lenet on
// the same core, so gathering in line beats a second thread that would compete for the core (tests/bench/training
// measures it).
Batch GatherBatch(const Dataset& dataset, const Examples& examples, const at::Tensor& indices);

// Called now and then while loading, from the loop that loads, so that the caller can say that it is alive.
using LoadingHeartbeat = std::function<void()>;

// Loads data sets and keeps the last one, with its decoded files. Not thread-safe.
//
// The same options, device and unchanged files (size and modification time) get the same object at no cost; other split
// or device over the same files are made without decoding again.
class DatasetCache {
 public:
  DatasetCache();
  ~DatasetCache();

  // Throws DataError naming the file and offset if a file is missing, truncated, of another format, has other counts
  // than its partner or a label out of range; InfeasibleError if the data set's name is unknown or too little is left
  // to split. Blocks while it reads and decodes: about half a second for Fashion-MNIST.
  std::shared_ptr<const Dataset> Get(const DataOptions& options, const at::Device& device,
                                     const LoadingHeartbeat& heartbeat);

 private:
  struct Decoded;
  std::unique_ptr<Decoded> decoded_;
  DataOptions options_;
  std::optional<at::Device> device_;
  std::shared_ptr<const Dataset> dataset_;
};

// The folder that holds the data set's four IDX files: `data_dir` if given, else where Debian's dataset-fashion-mnist
// puts them. Throws InfeasibleError on an unknown name or on idx without data_dir; DataError if the Debian package is
// not installed.
std::filesystem::path DatasetFolder(const DataOptions& options);

}  // namespace athanor::training
