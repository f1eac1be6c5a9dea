// Where examples come from: one implementation a format.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "worker/training/data/raw_dataset.h"
#include "worker/training/options/data_options.h"
#include "worker/training/options/task_options.h"

namespace athanor::training {

// Immutable; the folder is looked through when it is made, the files are read by Read.
class Source {
 public:
  virtual ~Source() = default;
  // The files that Read would read: while they are unchanged it gives the same. Empty for synthetic examples.
  virtual const std::vector<std::filesystem::path>& Files() const = 0;
  // Reads everything that the options ask for: images resized to img_size, at most max_train_examples and
  // max_test_examples of parts that the files have (of a part that is still to be split off, all). The result depends
  // on the options and the files, not on `threads`. Throws DataError naming the file and the offset or line, and
  // InfeasibleError if the data set cannot serve the task. Blocks.
  virtual RawDataset Read(int threads, const LoadingHeartbeat& heartbeat) const = 0;
};

// Each throws DataError if its folder or a file in it is missing, InfeasibleError if an option is that it needs.

// Gray images of an unsigned-byte IDX file and their classes in another: train-images-idx3-ubyte,
// train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, plain or .gz. fashion-mnist is found where
// Debian's package puts it, unless data_dir says otherwise.
std::unique_ptr<Source> MakeIdxSource(const DataOptions& options);

// The binary version of CIFAR-10 (data_batch_*.bin, test_batch.bin) or of CIFAR-100 (train.bin, test.bin; the fine
// classes). Names of the classes from batches.meta.txt or fine_label_names.txt, if there.
std::unique_ptr<Source> MakeCifarSource(const DataOptions& options);

// PNG and JPEG files, a folder a class: data_dir/{train,validation,test}/CLASS/... (the latter two may be missing), or
// data_dir/CLASS/... Classes are numbered by name. Images are gray if all are, else red, green and blue. Their order is
// shuffled, the same every time, so that the first so many are of all classes.
std::unique_ptr<Source> MakeImageFolderSource(const DataOptions& options);

// A table in data_dir: train.csv, and validation.csv and test.csv if there. See csv_table.h for what becomes of the
// columns.
std::unique_ptr<Source> MakeCsvSource(const DataOptions& options, TaskKind task);

// Generated from split_seed, at most kSyntheticTrain and kSyntheticTest examples.
inline constexpr int64_t kSyntheticTrain = 4000;
inline constexpr int64_t kSyntheticTest = 1000;
// Classification: 12 classes. One quarter of one colour channel is bright, under noise; class = 4 * channel + quarter.
// 3 channels of img_size pixels a side, 32 if that is 0.
std::unique_ptr<Source> MakeSyntheticImages(const DataOptions& options);
// Key points: gray faces of many positions, sizes, tilts and proportions under noise. Targets in pixels (the centre of
// the pixel in the upper left corner is 0, 0): left_eye_x, left_eye_y, right_eye, nose, mouth_left, mouth_right.
// img_size pixels a side, 32 if that is 0.
std::unique_ptr<Source> MakeSyntheticFaces(const DataOptions& options);
// A table of four numeric columns (x1 to x4, uniform in [0, 1]), colour (red, green, blue) and size (small, large) with
//   y = 10 sin(pi x1) + 20 (x2 - 1/2)^2 + 10 x3 + {0, 3, -3} of the colour + {0, 4} of the size + noise N(0, 1);
// x4 tells nothing. Regression: y. Classification: low (y < 12), middle, high (y >= 18). Multi-label: above_12,
// above_18.
std::unique_ptr<Source> MakeSyntheticTable(const DataOptions& options, TaskKind task);

// The one for options.kind.
std::unique_ptr<Source> MakeSource(const DataOptions& options, TaskKind task);

}  // namespace athanor::training
