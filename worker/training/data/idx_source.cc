#include <algorithm>
#include <string>
#include <vector>

#include "worker/training/data/idx_file.h"
#include "worker/training/data/image_part.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr char kDebianFolder[] = "/usr/share/datasets/fashion-mnist";
// https://github.com/zalandoresearch/fashion-mnist, by label.
constexpr const char* kFashionClasses[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                           "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

struct FilePair {
  std::filesystem::path images;
  std::filesystem::path labels;
};

// The labels are read whole even if fewer examples are wanted, so that the number of classes does not depend on the
// slice. `known_classes`: labels must lie below it; 0 = whatever there is. Returns the number of classes.
int64_t ReadIdxLabels(const FilePair& files, int64_t wanted, int64_t known_classes, RawPart& part) {
  IdxReader reader(files.labels, 1);
  std::vector<uint8_t> labels;
  while (std::ssize(labels) < reader.dimensions()[0]) {
    const size_t start = labels.size();
    labels.resize(std::min(static_cast<size_t>(reader.dimensions()[0]), start + kReadBytes));
    reader.Read(labels.data() + start, labels.size() - start);
  }
  for (size_t i = 0; known_classes > 0 && i < labels.size(); ++i) {
    if (labels[i] >= known_classes) {
      reader.Refuse(
          "label " + std::to_string(labels[i]) + " is out of range; want less than " + std::to_string(known_classes),
          labels.size() - i);
    }
  }
  reader.ExpectEnd();
  part.classes.assign(labels.begin(), labels.begin() + wanted);
  return known_classes > 0 ? known_classes : 1 + *std::ranges::max_element(labels);
}

struct Size {
  int64_t height = 0;
  int64_t width = 0;
};

Size ReadIdxImages(const FilePair& files, int64_t max_examples, int64_t img_size, RawPart& part,
                   const LoadingHeartbeat& heartbeat) {
  IdxReader images(files.images, 3);
  const int64_t count = images.dimensions()[0];
  const int64_t label_count = IdxReader(files.labels, 1).dimensions()[0];
  if (count != label_count) {
    throw DataError(files.images.string() + " has " + std::to_string(count) + " images, but " + files.labels.string() +
                    " has " + std::to_string(label_count) + " labels");
  }
  part.count = max_examples == 0 ? count : std::min(count, max_examples);
  const Size size = {images.dimensions()[1], images.dimensions()[2]};
  if (!PlausibleImage(1, size.height, size.width)) {
    images.Refuse("images of " + std::to_string(size.height) + " x " + std::to_string(size.width) + " pixels");
  }
  ImagePartWriter writer({.channels = 1, .height = size.height, .width = size.width}, img_size, part.pixels);
  std::vector<uint8_t> image(static_cast<size_t>(size.height * size.width));
  for (int64_t i = 0; i < part.count; ++i) {
    images.Read(image.data(), image.size());
    writer.Add(image.data());
    if (i % kHeartbeatImages == 0) heartbeat();
  }
  if (part.count == count) images.ExpectEnd();
  return size;
}

class IdxSource final : public Source {
 public:
  IdxSource(const DataOptions& options, const std::filesystem::path& folder)
      : options_(options),
        train_{FindIdxFile(folder, "train-images-idx3-ubyte"), FindIdxFile(folder, "train-labels-idx1-ubyte")},
        test_{FindIdxFile(folder, "t10k-images-idx3-ubyte"), FindIdxFile(folder, "t10k-labels-idx1-ubyte")},
        files_{train_.images, train_.labels, test_.images, test_.labels} {}

  const std::vector<std::filesystem::path>& Files() const override { return files_; }

  RawDataset Read(int /*threads*/, const LoadingHeartbeat& heartbeat) const override {
    const bool fashion = options_.kind == DatasetKind::kFashionMnist;
    RawDataset raw;
    const Size size = ReadIdxImages(train_, options_.max_train_examples, options_.img_size, raw.train, heartbeat);
    const int64_t classes =
        ReadIdxLabels(train_, raw.train.count, fashion ? std::ssize(kFashionClasses) : 0, raw.train);
    const Size test_size = ReadIdxImages(test_, options_.max_test_examples, options_.img_size, raw.test, heartbeat);
    ReadIdxLabels(test_, raw.test.count, classes, raw.test);
    if (options_.img_size == 0 && (test_size.height != size.height || test_size.width != size.width)) {
      throw DataError(test_.images.string() + ": images are of another size than those of " + train_.images.string());
    }
    raw.channels = 1;
    raw.height = options_.img_size > 0 ? options_.img_size : size.height;
    raw.width = options_.img_size > 0 ? options_.img_size : size.width;
    for (int64_t i = 0; i < classes; ++i) raw.classes.push_back(fashion ? kFashionClasses[i] : std::to_string(i));
    return raw;
  }

 private:
  DataOptions options_;
  FilePair train_;
  FilePair test_;
  std::vector<std::filesystem::path> files_;
};

// `data_dir` if given, else where Debian's dataset-fashion-mnist puts its files.
std::filesystem::path DatasetFolder(const DataOptions& options) {
  if (!options.data_dir.empty()) return options.data_dir;
  if (options.kind != DatasetKind::kFashionMnist) throw InfeasibleError("dataset: idx needs data_dir");
  std::error_code ignored;
  if (!std::filesystem::is_directory(kDebianFolder, ignored)) {
    throw DataError(std::string(kDebianFolder) +
                    ": no such folder; install Debian's package dataset-fashion-mnist, or give data_dir");
  }
  return kDebianFolder;
}

}  // namespace

std::unique_ptr<Source> MakeIdxSource(const DataOptions& options) {
  return std::make_unique<IdxSource>(options, DatasetFolder(options));
}

}  // namespace athanor::training
