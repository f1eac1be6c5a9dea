#include "worker/training/data/dataset.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <vector>

#include "base/sha256.h"
#include "base/value.h"
#include "worker/training/data/idx_file.h"
#include "worker/training/data/split.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr char kDebianFolder[] = "/usr/share/datasets/fashion-mnist";
constexpr int64_t kFashionClasses = 10;
constexpr size_t kReadBytes = 1 << 20;

struct Files {
  std::filesystem::path images;
  std::filesystem::path labels;
};

// What tells whether a file is still the one that was decoded.
struct Stamp {
  std::filesystem::path path;
  uintmax_t size = 0;
  std::filesystem::file_time_type time;

  bool operator==(const Stamp&) const = default;
};

Stamp StampOf(const std::filesystem::path& path) {
  std::error_code ignored;
  return {path, std::filesystem::file_size(path, ignored), std::filesystem::last_write_time(path, ignored)};
}

struct RawExamples {
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;  // 1 + the largest label of the whole file
  at::Tensor images;    // uint8 [N, 1, H, W], CPU
  at::Tensor labels;    // int64 [N], CPU
};

std::span<const uint8_t> Bytes(const at::Tensor& tensor) {
  return {static_cast<const uint8_t*>(tensor.data_ptr()), static_cast<size_t>(tensor.nbytes())};
}

// The labels are read whole even if fewer examples are wanted, so that the number of classes does not depend on the
// slice.
void ReadLabels(const Files& files, int64_t wanted, int64_t known_classes, RawExamples& examples) {
  IdxReader reader(files.labels, 1);
  const int64_t count = reader.dimensions()[0];
  std::vector<uint8_t> labels(static_cast<size_t>(count));
  reader.Read(labels.data(), labels.size());
  for (size_t i = 0; known_classes > 0 && i < labels.size(); ++i) {
    if (labels[i] >= known_classes) {
      reader.Refuse(
          "label " + std::to_string(labels[i]) + " is out of range; want less than " + std::to_string(known_classes),
          labels.size() - i);
    }
  }
  reader.ExpectEnd();
  examples.classes = known_classes > 0 ? known_classes : 1 + *std::ranges::max_element(labels);
  examples.labels = at::empty({wanted}, at::kLong);
  std::copy_n(labels.begin(), wanted, examples.labels.data_ptr<int64_t>());
}

// `known_classes`: labels must lie below it; 0 = find out.
RawExamples ReadExamples(const Files& files, int64_t max_examples, int64_t known_classes,
                         const LoadingHeartbeat& heartbeat) {
  IdxReader images(files.images, 3);
  const int64_t count = images.dimensions()[0];
  const int64_t label_count = IdxReader(files.labels, 1).dimensions()[0];
  if (count != label_count) {
    throw DataError(files.images.string() + " has " + std::to_string(count) + " images, but " + files.labels.string() +
                    " has " + std::to_string(label_count) + " labels");
  }
  const int64_t wanted = max_examples == 0 ? count : std::min(count, max_examples);

  RawExamples examples;
  examples.height = images.dimensions()[1];
  examples.width = images.dimensions()[2];
  ReadLabels(files, wanted, known_classes, examples);
  const int64_t pixels = examples.height * examples.width;
  constexpr int64_t kMaxPixels = 1 << 24;
  if (examples.height > kMaxPixels || examples.width > kMaxPixels || pixels > kMaxPixels) {
    images.Refuse("images of " + std::to_string(examples.height) + " x " + std::to_string(examples.width) + " pixels");
  }
  examples.images = at::empty({wanted, 1, examples.height, examples.width}, at::kByte);
  auto* out = examples.images.data_ptr<uint8_t>();
  for (size_t left = static_cast<size_t>(wanted * pixels); left > 0;) {
    const size_t piece = std::min(left, kReadBytes);
    images.Read(out, piece);
    out += piece;
    left -= piece;
    heartbeat();
  }
  if (wanted == count) images.ExpectEnd();
  return examples;
}

// Sums are of integers, so the result does not depend on the order of summation.
void MeasurePixels(const RawExamples& examples, const std::vector<int64_t>& indices, Dataset& dataset) {
  const auto* pixels = examples.images.data_ptr<uint8_t>();
  const auto per_image = static_cast<size_t>(examples.height * examples.width);
  uint64_t sum = 0, sum_of_squares = 0;
  for (const int64_t index : indices) {
    for (const uint8_t pixel : std::span(pixels + static_cast<size_t>(index) * per_image, per_image)) {
      sum += pixel;
      sum_of_squares += uint64_t{pixel} * pixel;
    }
  }
  const double count = static_cast<double>(indices.size() * per_image);
  const double mean = static_cast<double>(sum) / count;
  const double variance = static_cast<double>(sum_of_squares) / count - mean * mean;
  dataset.normalization.mean = {mean / 255};
  // A constant image has nothing to scale.
  dataset.normalization.stddev = {variance > 0 ? std::sqrt(variance) / 255 : 1.0};
}

at::Tensor IndexTensor(const std::vector<int64_t>& indices, const at::Device& device) {
  return at::tensor(indices, at::kLong).to(device);
}

// The folder that holds the data set's four IDX files: `data_dir` if given, else where Debian's dataset-fashion-mnist
// puts them.
std::filesystem::path DatasetFolder(const DataOptions& options) {
  if (!options.data_dir.empty()) return options.data_dir;
  if (options.kind != DatasetKind::kFashionMnist) throw InfeasibleError("dataset idx needs data_dir");
  std::error_code ignored;
  if (!std::filesystem::is_directory(kDebianFolder, ignored)) {
    throw DataError(std::string(kDebianFolder) +
                    ": no such folder; install Debian's package dataset-fashion-mnist, or give data_dir");
  }
  return kDebianFolder;
}

}  // namespace

struct DatasetCache::Decoded {
  std::vector<Stamp> stamps;
  int64_t max_train_examples = 0;
  int64_t max_test_examples = 0;
  RawExamples training;
  RawExamples test;
  std::string hash;

  bool Holds(const DataOptions& options, const std::vector<Stamp>& wanted) const {
    return stamps == wanted && max_train_examples == options.max_train_examples &&
           max_test_examples == options.max_test_examples;
  }
};

DatasetCache::DatasetCache() = default;
DatasetCache::~DatasetCache() = default;

std::shared_ptr<const Dataset> DatasetCache::Get(const DataOptions& options, TaskKind task, const at::Device& device,
                                                 int /*threads*/, const LoadingHeartbeat& heartbeat) {
  const std::filesystem::path folder = DatasetFolder(options);
  const Files train = {FindIdxFile(folder, "train-images-idx3-ubyte"), FindIdxFile(folder, "train-labels-idx1-ubyte")};
  const Files test = {FindIdxFile(folder, "t10k-images-idx3-ubyte"), FindIdxFile(folder, "t10k-labels-idx1-ubyte")};
  const std::vector<Stamp> stamps = {StampOf(train.images), StampOf(train.labels), StampOf(test.images),
                                     StampOf(test.labels)};
  const bool decoded = decoded_ != nullptr && decoded_->Holds(options, stamps);
  if (decoded && dataset_ != nullptr && options == options_ && task == task_ && device_ == device) return dataset_;

  dataset_.reset();
  if (!decoded) {
    decoded_.reset();  // the old data set's memory goes before the new one's comes
    auto fresh = std::make_unique<Decoded>();
    fresh->stamps = stamps;
    fresh->max_train_examples = options.max_train_examples;
    fresh->max_test_examples = options.max_test_examples;
    const int64_t known_classes = options.kind == DatasetKind::kFashionMnist ? kFashionClasses : 0;
    fresh->training = ReadExamples(train, options.max_train_examples, known_classes, heartbeat);
    fresh->test = ReadExamples(test, options.max_test_examples, fresh->training.classes, heartbeat);
    if (fresh->test.height != fresh->training.height || fresh->test.width != fresh->training.width) {
      throw DataError(test.images.string() + ": images are of another size than those of " + train.images.string());
    }
    Sha256 hash;
    for (const at::Tensor& part :
         {fresh->training.images, fresh->training.labels, fresh->test.images, fresh->test.labels}) {
      hash.Update(Bytes(part).data(), Bytes(part).size());
      heartbeat();
    }
    fresh->hash = hash.HexDigest();
    decoded_ = std::move(fresh);
  }

  const Split split = MakeSplit(decoded_->training.labels.size(0), options.validation_fraction, options.split_seed);
  auto dataset = std::make_shared<Dataset>();
  MeasurePixels(decoded_->training, split.train, *dataset);
  dataset->training_part = {decoded_->training.images.to(device), decoded_->training.labels.to(device)};
  dataset->test = {decoded_->test.images.to(device), decoded_->test.labels.to(device)};
  dataset->train_indices = IndexTensor(split.train, device);
  dataset->validation_indices = IndexTensor(split.validation, device);
  dataset->shape = {
      .height = decoded_->training.height, .width = decoded_->training.width, .outputs = decoded_->training.classes};
  dataset->hash = Sha256::Hex(decoded_->hash + " " + ToString(Value(options.validation_fraction)) + " " +
                              std::to_string(options.split_seed));
  options_ = options;
  task_ = task;
  device_ = device;
  dataset_ = dataset;
  return dataset_;
}

Batch GatherBatch(const Dataset& dataset, const Examples& examples, const at::Tensor& indices,
                  const at::Device& device) {
  const double mean = dataset.normalization.mean.front();
  const double stddev = dataset.normalization.stddev.front();
  at::Tensor inputs = at::index_select(examples.inputs, 0, indices).to(device, at::kFloat);
  inputs.mul_(static_cast<float>(1 / (255 * stddev))).add_(static_cast<float>(-mean / stddev));
  Batch batch;
  batch.inputs = inputs;
  batch.targets = at::index_select(examples.targets, 0, indices).to(device);
  return batch;
}

}  // namespace athanor::training
