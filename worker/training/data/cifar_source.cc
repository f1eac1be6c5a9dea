#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "worker/training/data/cifar_file.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

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
  CifarSource(const DataOptions& options, const CifarVariant& variant)
      : options_(options),
        variant_(variant),
        hundred_(options.kind == DatasetKind::kCifar100),
        folder_(options.data_dir) {
    std::error_code failed;
    if (hundred_) {
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
    files_.push_back(folder_ / (hundred_ ? "test.bin" : "test_batch.bin"));
  }

  const std::vector<std::filesystem::path>& Files() const override { return files_; }

  RawDataset Read(int /*threads*/, const LoadingHeartbeat& heartbeat) const override {
    const int64_t side = options_.img_size > 0 ? options_.img_size : kCifarImage.height;
    RawDataset raw;
    raw.channels = kCifarImage.channels;
    raw.height = side;
    raw.width = side;
    raw.classes = ClassNames(folder_ / (hundred_ ? "fine_label_names.txt" : "batches.meta.txt"), variant_.classes);
    for (size_t i = 0; i + 1 < files_.size(); ++i) {
      ReadCifarFile(files_[i], variant_, options_.max_train_examples, options_.img_size, raw.train, heartbeat);
    }
    ReadCifarFile(files_.back(), variant_, options_.max_test_examples, options_.img_size, raw.test, heartbeat);
    return raw;
  }

 private:
  DataOptions options_;
  CifarVariant variant_;
  bool hundred_;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> files_;
};

}  // namespace

std::unique_ptr<Source> MakeCifarSource(const DataOptions& options) {
  const CifarVariant& variant = options.kind == DatasetKind::kCifar10 ? kCifar10 : kCifar100;
  if (options.data_dir.empty()) throw InfeasibleError(std::string("dataset: ") + variant.name + " needs data_dir");
  return std::make_unique<CifarSource>(options, variant);
}

}  // namespace athanor::training
