// What is trained on, and how examples are prepared (data/dataset.h, data/augmentation.h).
#pragma once

#include <cstdint>
#include <string>

namespace athanor::training {

enum class DatasetKind {
  kFashionMnist,
  kIdx,
  kCifar10,
  kCifar100,
  kImageFolder,
  kCsv,
  kSyntheticImages,
  kSyntheticFaces,
  kSyntheticTable
};
enum class CategoryCoding { kOneHot, kEmbedded };
enum class SplitKind { kRandom, kStratified };

// Which examples there are. A process that trains one trial after another keeps its data set while these are equal and
// the files stay as they are.
struct DataOptions {
  DatasetKind kind = DatasetKind::kFashionMnist;
  std::string data_dir = "";
  std::string target = "target";  // csv: columns by commas
  CategoryCoding categories = CategoryCoding::kOneHot;
  int64_t max_train_examples = 0;    // of the training part, before the split; 0 = all
  int64_t max_test_examples = 0;     // 0 = all
  double validation_fraction = 0.1;  // of the training part, where no validation part is given; (0, 1)
  double test_fraction = 0.1;        // of all, where no test part is given; (0, 1)
  SplitKind split = SplitKind::kRandom;
  uint64_t split_seed = 0;  // the same for all trials of a study, so that they compare
  int64_t img_size = 0;     // pixels; 0 = as they are

  bool operator==(const DataOptions&) const = default;
};

enum class Rebalance { kNone, kOversample, kClassWeights };

// What is done to a batch of training images on its way into the model. All off by default.
struct AugmentationOptions {
  int64_t crop_padding = 0;  // pixels
  bool flip_horizontal = false;
  bool flip_vertical = false;
  double rotation = 0;     // degrees, [0, 180]
  double scaling = 0;      // [0, 1)
  double translation = 0;  // share of the side, [0, 1)
  double brightness = 0;   // >= 0
  double contrast = 0;     // >= 0
  int64_t cutout = 0;      // pixels
  double mixup = 0;        // alpha of the Beta distribution; 0 = not

  bool operator==(const AugmentationOptions&) const = default;
};

}  // namespace athanor::training
