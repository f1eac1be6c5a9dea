#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "worker/training/data/image_part.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr ImageSize kImage = {.channels = 3, .height = 32, .width = 32};

// A record is `label_bytes` labels, the last of which counts, and the image: 1024 red, 1024 green, 1024 blue bytes
// (https://www.cs.toronto.edu/~kriz/cifar.html, "binary version").
struct Variant {
  const char* name;
  int64_t classes;
  size_t label_bytes;
  const char* names_file;
};
constexpr Variant kCifar10 = {"cifar10", 10, 1, "batches.meta.txt"};
constexpr Variant kCifar100 = {"cifar100", 100, 2, "fine_label_names.txt"};

// Adds the file's records to the part until that has `max_examples`; 0 = all.
void ReadRecords(const std::filesystem::path& path, const Variant& variant, int64_t max_examples, int64_t img_size,
                 RawPart& part, const LoadingHeartbeat& heartbeat) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw DataError(path.string() + ": cannot open: " + std::strerror(errno));
  ImagePartWriter writer(kImage, img_size, part.pixels);
  std::vector<char> record(variant.label_bytes + static_cast<size_t>(kImage.bytes()));
  for (int64_t i = 0; max_examples == 0 || part.count < max_examples; ++i) {
    const std::string at = path.string() + ": at byte " + std::to_string(i * std::ssize(record)) + ": ";
    in.read(record.data(), std::ssize(record));
    if (in.gcount() == 0 && in.eof()) {
      if (i == 0) throw DataError(at + "the file is empty");
      return;
    }
    if (in.gcount() < std::ssize(record)) {
      throw DataError(at + (in.eof() ? "truncated: a record has " + std::to_string(record.size()) +
                                           " bytes, the last one has " + std::to_string(in.gcount())
                                     : std::string("cannot read")));
    }
    const auto label = static_cast<uint8_t>(record[variant.label_bytes - 1]);
    if (label >= variant.classes) {
      throw DataError(at + "label " + std::to_string(label) + " is out of range; want less than " +
                      std::to_string(variant.classes) + "; is this the binary version of " + variant.name + "?");
    }
    part.classes.push_back(label);
    writer.Add(reinterpret_cast<const uint8_t*>(record.data()) + variant.label_bytes);
    ++part.count;
    if (i % kHeartbeatImages == 0) heartbeat();
  }
}

// A name a line. The numbers serve where the file is missing or has another number of lines.
std::vector<std::string> ClassNames(const std::filesystem::path& path, int64_t classes) {
  std::vector<std::string> names;
  std::ifstream in(path);
  for (std::string line; std::ssize(names) < classes && std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (std::ssize(names) == classes) return names;
  names.clear();
  for (int64_t i = 0; i < classes; ++i) names.push_back(std::to_string(i));
  return names;
}

class CifarSource final : public Source {
 public:
  CifarSource(const DataOptions& options, const Variant& variant)
      : options_(options), variant_(variant), folder_(options.data_dir) {
    std::error_code failed;
    if (variant.label_bytes == kCifar100.label_bytes) {
      files_ = {folder_ / "train.bin"};
    } else {
      for (std::filesystem::directory_iterator entry(folder_, failed), end; !failed && entry != end;
           entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with("data_batch_") && name.ends_with(".bin")) files_.push_back(entry->path());
      }
      if (failed) throw DataError(folder_.string() + ": cannot read the folder: " + failed.message());
      if (files_.empty()) throw DataError(folder_.string() + ": no data_batch_*.bin");
      std::ranges::sort(files_);
    }
    files_.push_back(folder_ / (variant.label_bytes == kCifar100.label_bytes ? "test.bin" : "test_batch.bin"));
  }

  const std::vector<std::filesystem::path>& Files() const override { return files_; }

  RawDataset Read(int /*threads*/, const LoadingHeartbeat& heartbeat) const override {
    const int64_t side = options_.img_size > 0 ? options_.img_size : kImage.height;
    RawDataset raw;
    raw.channels = kImage.channels;
    raw.height = side;
    raw.width = side;
    raw.classes = ClassNames(folder_ / variant_.names_file, variant_.classes);
    for (size_t i = 0; i + 1 < files_.size(); ++i) {
      ReadRecords(files_[i], variant_, options_.max_train_examples, options_.img_size, raw.train, heartbeat);
    }
    ReadRecords(files_.back(), variant_, options_.max_test_examples, options_.img_size, raw.test, heartbeat);
    return raw;
  }

 private:
  DataOptions options_;
  Variant variant_;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace

std::unique_ptr<Source> MakeCifarSource(const DataOptions& options) {
  const Variant& variant = options.kind == DatasetKind::kCifar10 ? kCifar10 : kCifar100;
  if (options.data_dir.empty()) throw InfeasibleError(std::string("dataset: ") + variant.name + " needs data_dir");
  return std::make_unique<CifarSource>(options, variant);
}

}  // namespace athanor::training
