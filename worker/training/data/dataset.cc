#include "worker/training/data/dataset.h"

#include <ATen/ops/index_select.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/sha256.h"
#include "base/value.h"
#include "worker/training/data/prepare.h"
#include "worker/training/data/source.h"

namespace athanor::training {
namespace {

constexpr size_t kHashPiece = 16 << 20;  // bytes between heartbeats

// What tells whether a file is still the one that was decoded.
struct Stamp {
  std::filesystem::path path;
  uintmax_t size = 0;
  std::filesystem::file_time_type time;

  bool operator==(const Stamp&) const = default;
};

std::vector<Stamp> StampsOf(const std::vector<std::filesystem::path>& files) {
  std::vector<Stamp> stamps;
  for (const std::filesystem::path& path : files) {
    std::error_code ignored;
    stamps.push_back(
        {path, std::filesystem::file_size(path, ignored), std::filesystem::last_write_time(path, ignored)});
  }
  return stamps;
}

// The options without those that decoding does not look at.
DataOptions DecodingOptions(DataOptions options) {
  const DataOptions defaults;
  const bool synthetic = options.kind == DatasetKind::kSyntheticImages ||
                         options.kind == DatasetKind::kSyntheticFaces || options.kind == DatasetKind::kSyntheticTable;
  options.validation_fraction = defaults.validation_fraction;
  options.test_fraction = defaults.test_fraction;
  options.split = defaults.split;
  options.categories = defaults.categories;
  if (!synthetic) options.split_seed = defaults.split_seed;
  return options;
}

template <typename Number>
void HashNumbers(const std::vector<Number>& numbers, Sha256& hash, const LoadingHeartbeat& heartbeat) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(numbers.data());
  for (size_t left = numbers.size() * sizeof(Number); left > 0;) {
    const size_t piece = std::min(left, kHashPiece);
    hash.Update(bytes, piece);
    bytes += piece;
    left -= piece;
    heartbeat();
  }
}

std::string HashOf(const RawDataset& raw, const LoadingHeartbeat& heartbeat) {
  Sha256 hash;
  std::string text =
      std::to_string(raw.channels) + " x " + std::to_string(raw.height) + " x " + std::to_string(raw.width);
  const auto add_names = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names)
      text.append(std::to_string(name.size())).append(" ").append(name).append("\n");
    text.append("\n");
  };
  add_names(raw.numeric_columns);
  add_names(raw.categorical_columns);
  for (const std::vector<std::string>& values : raw.category_values) add_names(values);
  add_names(raw.classes);
  add_names(raw.target_columns);
  for (const RawPart* part : {&raw.train, &raw.validation, &raw.test}) {
    text += std::to_string(part->count) + "\n";
    HashNumbers(part->pixels, hash, heartbeat);
    HashNumbers(part->numbers, hash, heartbeat);
    HashNumbers(part->categories, hash, heartbeat);
    HashNumbers(part->classes, hash, heartbeat);
    HashNumbers(part->targets, hash, heartbeat);
  }
  hash.Update(text.data(), text.size());
  return hash.HexDigest();
}

// What else decides which examples train.
std::string DivisionText(const DataOptions& options) {
  return ToString(options.validation_fraction) + " " + ToString(options.test_fraction) + " " +
         std::to_string(options.max_train_examples) + " " + std::to_string(options.max_test_examples) + " " +
         std::to_string(static_cast<int>(options.split)) + " " + std::to_string(static_cast<int>(options.categories)) +
         " " + std::to_string(options.split_seed);
}

// To another device, by way of memory that it can fetch from by itself.
at::Tensor Brought(const at::Tensor& tensor, const at::Device& device) {
  if (tensor.device() == device) return tensor;
  if (!device.is_cuda()) return tensor.to(device);
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace

struct DatasetCache::Decoded {
  DataOptions options;
  TaskKind task = TaskKind::kClassification;
  std::vector<Stamp> stamps;
  std::shared_ptr<const RawDataset> raw;
  std::string hash;
};

DatasetCache::DatasetCache() = default;
DatasetCache::~DatasetCache() = default;

const DatasetCache::Decoded& DatasetCache::Decode(const DataOptions& options, TaskKind task, int threads,
                                                  const LoadingHeartbeat& heartbeat) {
  const std::unique_ptr<Source> source = MakeSource(options, task);
  std::vector<Stamp> stamps = StampsOf(source->Files());
  const DataOptions decoding = DecodingOptions(options);
  if (decoded_ != nullptr && decoded_->options == decoding && decoded_->task == task && decoded_->stamps == stamps) {
    return *decoded_;
  }
  // The old data set's memory goes before the new one's comes.
  dataset_.reset();
  decoded_.reset();
  auto raw = std::make_shared<const RawDataset>(source->Read(threads, heartbeat));
  const std::string hash = HashOf(*raw, heartbeat);
  decoded_ = std::make_unique<Decoded>(Decoded{decoding, task, std::move(stamps), std::move(raw), hash});
  return *decoded_;
}

std::shared_ptr<const Dataset> DatasetCache::Get(const DataOptions& options, TaskKind task, const at::Device& device,
                                                 int threads, const LoadingHeartbeat& heartbeat) {
  const Decoded& decoded = Decode(options, task, threads, heartbeat);
  if (dataset_ != nullptr && options == options_ && device_ == device) return dataset_;
  dataset_.reset();
  auto dataset = std::make_shared<Dataset>(PrepareDataset(decoded.raw, options, task, device));
  dataset->hash = Sha256::Hex(decoded.hash + " " + DivisionText(options));
  options_ = options;
  device_ = device;
  dataset_ = std::move(dataset);
  return dataset_;
}

Batch GatherBatch(const Dataset& dataset, const Examples& examples, const at::Tensor& indices,
                  const at::Device& device) {
  Batch batch;
  batch.inputs = ScaledInputs(dataset, Brought(at::index_select(examples.inputs, 0, indices), device).to(at::kFloat));
  batch.targets = Brought(at::index_select(examples.targets, 0, indices), device);
  return batch;
}

}  // namespace athanor::training
