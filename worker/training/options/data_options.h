// What is trained on, and how examples are prepared (data/dataset.h, data/augmentation.h).
//
// Plain values: ParseTrainingOptions has checked each against its range; what depends on the data (a folder that is not
// there, padding larger than the images) is refused by who meets it. What a data set has no use for is not looked at.
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
// How columns of text enter a model: as a number of 0 or 1 for each of their values, or as an index into a table of
// vectors that are learnt (linear and mlp only).
enum class CategoryCoding { kOneHot, kEmbedded };
// What is held out: any share of the examples, or the same share of every class; the latter needs classes.
enum class SplitKind { kRandom, kStratified };

// Which examples there are. A process that trains one trial after another keeps its data set while these are equal and
// the files stay as they are.
struct DataOptions {
  DatasetKind kind = DatasetKind::kFashionMnist;
  // The folder of the files that data/source.h names for each kind; idx, cifar, image_folder and csv need it,
  // fashion-mnist finds its own where it is empty, synthetic kinds have none.
  std::string data_dir = "";
  // csv: the columns to predict, names by commas; one for classification. Reconstruction leaves them out of its inputs.
  std::string target = "target";
  CategoryCoding categories = CategoryCoding::kOneHot;  // csv, synthetic_table
  // Examples of the training part in use, the first so many of it once the test is taken off, validation included, and
  // of the test part; >= 0, 0 = all.
  int64_t max_train_examples = 0;
  int64_t max_test_examples = 0;
  // Shares held out, of the training part and of all examples, in (0, 1): where there is no such part. idx, cifar and
  // synthetic kinds have a test part and no validation part; image_folder and csv what there is in data_dir.
  double validation_fraction = 0.1;
  double test_fraction = 0.1;
  SplitKind split = SplitKind::kRandom;
  // Of both splits, and of the examples of synthetic kinds; the same for all trials of a study, so that they compare.
  uint64_t split_seed = 0;
  // Images: height and width in pixels that they are resized to, bilinear, whatever their proportions; 0 = as they are,
  // which must then be of one size. Synthetic images and faces are made in this size, 0 = 32.
  int64_t img_size = 0;

  bool operator==(const DataOptions&) const = default;
};

// Classification: rare classes come as often as others in every epoch (data/split.h, BalancedEpochOrder), or weigh more
// in the loss (tasks/task.h, TaskSpec).
enum class Rebalance { kNone, kOversample, kClassWeights };

// What is done to a batch of training examples on its way into the model, by draws of its own for each image. All off
// by default. Of images, but for mixup; those up to `translation` move what is in the image and are refused where the
// task is regression. augmentation.h gives their order and what else is refused.
struct AugmentationOptions {
  int64_t crop_padding = 0;      // pixels around the image, out of which one of its size is cut; below its sides
  bool flip_horizontal = false;  // left to right, every other image
  bool flip_vertical = false;    // top to bottom, every other image
  double rotation = 0;           // degrees at most, either way; [0, 180]
  double scaling = 0;            // by a factor in [1 - scaling, 1 + scaling]; [0, 1)
  double translation = 0;        // share of the side at most, each way; [0, 1)
  double brightness = 0;         // pixels in [0, 1] times a factor in [max(0, 1 - b), 1 + b]; >= 0
  double contrast = 0;           // their distance from the image's mean times such a factor; >= 0
  int64_t cutout = 0;            // side in pixels of a square set to the mean; at most the image's
  double mixup = 0;              // alpha of the Beta distribution of a batch's mix; >= 0; 0 = not

  bool operator==(const AugmentationOptions&) const = default;
};

}  // namespace athanor::training
