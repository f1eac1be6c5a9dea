#include "worker/training/data/image_list.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

bool Hidden(const std::filesystem::path& path) { return path.filename().string().starts_with('.'); }

// The work shared by the threads that decode. Files are taken in order, and whoever has taken one finishes it, so the
// first error by order is found whatever the timing.
class Decoding {
 public:
  Decoding(std::span<const std::filesystem::path> files, int64_t height, int64_t width)
      : files_(files), height_(height), width_(width), images_(files.size()) {}

  // Decodes the next file; false if there is none or one has failed.
  bool DecodeNext() {
    const size_t index = next_.fetch_add(1);
    if (index >= files_.size() || failed_.load()) return false;
    try {
      images_[index] = Decode(files_[index]);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failed_.load() || index < failed_index_) {
        error_ = std::current_exception();
        failed_index_ = index;
      }
      failed_.store(true);
    }
    return true;
  }

  // Once no thread decodes any more.
  std::vector<DecodedImage> Take() {
    if (error_) std::rethrow_exception(error_);
    return std::move(images_);
  }

 private:
  DecodedImage Decode(const std::filesystem::path& path) const {
    DecodedImage image = ReadImage(path);
    if (height_ == 0 || (image.size.height == height_ && image.size.width == width_)) return image;
    std::vector<uint8_t> resized(static_cast<size_t>(image.size.channels * height_ * width_));
    const Resizer resizer(image.size.height, image.size.width, height_, width_);
    resizer.Apply(image.pixels.data(), image.size.channels, resized.data());
    return {.size = {.channels = image.size.channels, .height = height_, .width = width_},
            .pixels = std::move(resized)};
  }

  std::span<const std::filesystem::path> files_;
  int64_t height_;
  int64_t width_;
  std::vector<DecodedImage> images_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr error_;  // under mutex_
  size_t failed_index_ = 0;   // under mutex_
};

void AppendGray(const DecodedImage& image, std::vector<uint8_t>& out) {
  const auto plane = static_cast<size_t>(image.size.height * image.size.width);
  for (size_t i = 0; i < plane; ++i) {
    const int red = image.pixels[i], green = image.pixels[plane + i], blue = image.pixels[2 * plane + i];
    out.push_back(static_cast<uint8_t>((299 * red + 587 * green + 114 * blue + 500) / 1000));
  }
}

}  // namespace

std::vector<std::filesystem::path> ListImages(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code failed;
  std::filesystem::recursive_directory_iterator entry(folder, failed), end;
  for (; !failed && entry != end; entry.increment(failed)) {
    if (Hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (std::error_code ignored; !entry->is_directory(ignored)) {
      files.push_back(entry->path());
    }
  }
  if (failed) throw DataError(folder.string() + ": cannot read the folder: " + failed.message());
  std::ranges::sort(files);
  return files;
}

std::vector<DecodedImage> ReadImages(std::span<const std::filesystem::path> files, int64_t height, int64_t width,
                                     int threads, const LoadingHeartbeat& heartbeat) {
  Decoding decoding(files, height, width);
  std::vector<std::thread> others;
  for (int i = 1; i < threads && i < std::ssize(files); ++i) {
    others.emplace_back([&decoding] {
      while (decoding.DecodeNext()) {
      }
    });
  }
  while (decoding.DecodeNext()) heartbeat();
  for (std::thread& thread : others) thread.join();
  std::vector<DecodedImage> images = decoding.Take();
  for (size_t i = 1; i < images.size(); ++i) {
    const ImageSize& first = images[0].size;
    const ImageSize& size = images[i].size;
    if (size.height != first.height || size.width != first.width) {
      throw DataError(files[i].string() + ": " + std::to_string(size.height) + " x " + std::to_string(size.width) +
                      " pixels, but " + files[0].string() + " has " + std::to_string(first.height) + " x " +
                      std::to_string(first.width) + "; give img_size");
    }
  }
  return images;
}

std::vector<uint8_t> StackImages(std::span<DecodedImage> images, int64_t channels) {
  std::vector<uint8_t> stack;
  if (images.empty()) return stack;
  const auto plane = static_cast<size_t>(images[0].size.height * images[0].size.width);
  stack.reserve(images.size() * static_cast<size_t>(channels) * plane);
  for (DecodedImage& image : images) {
    if (image.size.channels == 3 && channels == 1) {
      AppendGray(image, stack);
    } else {
      const int64_t copies = image.size.channels < channels ? channels : 1;
      for (int64_t i = 0; i < copies; ++i) stack.insert(stack.end(), image.pixels.begin(), image.pixels.end());
    }
    image.pixels = {};
  }
  return stack;
}

}  // namespace athanor::training
