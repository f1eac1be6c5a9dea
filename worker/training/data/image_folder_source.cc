#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "worker/training/data/image_list.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

bool IsFolder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

std::vector<std::string> ClassFolders(const std::filesystem::path& folder) {
  std::vector<std::string> classes;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && IsFolder(entry->path())) classes.push_back(name);
  }
  if (failed) throw DataError(folder.string() + ": cannot read the folder: " + failed.message());
  if (classes.empty()) throw DataError(folder.string() + ": no folder of a class in it");
  std::ranges::sort(classes);
  return classes;
}

// The images of a part: files and their classes.
struct Listing {
  std::vector<std::filesystem::path> files;
  std::vector<int64_t> classes;
};

// In an order shuffled always alike, cut to max_examples; 0 = all.
Listing ListPart(const std::filesystem::path& folder, const std::vector<std::string>& classes, int64_t max_examples) {
  std::vector<std::pair<std::filesystem::path, int64_t>> found;
  for (const std::string& name : ClassFolders(folder)) {
    const auto known = std::ranges::lower_bound(classes, name);
    if (known == classes.end() || *known != name) {
      throw DataError((folder / name).string() + ": the training part has no such class");
    }
    const std::vector<std::filesystem::path> files = ListImages(folder / name);
    if (files.empty()) throw DataError((folder / name).string() + ": no image in the folder of this class");
    for (const std::filesystem::path& file : files) found.emplace_back(file, known - classes.begin());
  }
  Random random({HashString("image folder"), found.size()});
  for (size_t left = found.size(); left > 1; --left) std::swap(found[left - 1], found[random.Below(left)]);
  if (max_examples > 0 && std::ssize(found) > max_examples) found.resize(static_cast<size_t>(max_examples));
  Listing listing;
  for (auto& [file, label] : found) {
    listing.files.push_back(std::move(file));
    listing.classes.push_back(label);
  }
  return listing;
}

class ImageFolderSource final : public Source {
 public:
  explicit ImageFolderSource(const DataOptions& options) : options_(options) {
    const std::filesystem::path folder = options.data_dir;
    const bool parted = IsFolder(folder / "train");
    const std::filesystem::path train = parted ? folder / "train" : folder;
    const bool has_test = parted && IsFolder(folder / "test");
    classes_ = ClassFolders(train);
    // What the test takes is taken before the first examples are counted.
    train_ = ListPart(train, classes_, has_test ? options.max_train_examples : 0);
    if (parted && IsFolder(folder / "validation")) validation_ = ListPart(folder / "validation", classes_, 0);
    if (has_test) test_ = ListPart(folder / "test", classes_, options.max_test_examples);
    for (const Listing* part : {&train_, &validation_, &test_}) {
      files_.insert(files_.end(), part->files.begin(), part->files.end());
    }
  }

  const std::vector<std::filesystem::path>& Files() const override { return files_; }

  RawDataset Read(int threads, const LoadingHeartbeat& heartbeat) const override {
    std::vector<DecodedImage> images = ReadImages(files_, options_.img_size, options_.img_size, threads, heartbeat);
    RawDataset raw;
    raw.classes = classes_;
    raw.height = images[0].size.height;
    raw.width = images[0].size.width;
    const bool gray = std::ranges::all_of(images, [](const DecodedImage& image) { return image.size.channels == 1; });
    raw.channels = gray ? 1 : 3;
    std::span<DecodedImage> left = images;
    const auto fill = [&](const Listing& listing, RawPart& part) {
      part.count = std::ssize(listing.files);
      part.classes = listing.classes;
      part.pixels = StackImages(left.first(listing.files.size()), raw.channels);
      left = left.subspan(listing.files.size());
    };
    fill(train_, raw.train);
    fill(validation_, raw.validation);
    fill(test_, raw.test);
    return raw;
  }

 private:
  DataOptions options_;
  std::vector<std::string> classes_;
  Listing train_;
  Listing validation_;
  Listing test_;
  std::vector<std::filesystem::path> files_;  // of all parts, in this order
};

}  // namespace

std::unique_ptr<Source> MakeImageFolderSource(const DataOptions& options) {
  if (options.data_dir.empty()) throw InfeasibleError("dataset: image_folder needs data_dir");
  return std::make_unique<ImageFolderSource>(options);
}

}  // namespace athanor::training
