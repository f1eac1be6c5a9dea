// Gathers images into a part of a data set, resized on the way if they are to be. For the readers of formats whose
// images all have one size (IDX, CIFAR), and what these share with those of image files. Nothing here throws but
// bad_alloc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "worker/training/data/resize.h"

namespace athanor::training {

// Bytes that a reader asks for at once: what a header promises is allocated as it comes, not before.
inline constexpr size_t kReadBytes = 1 << 20;
// Images between heartbeats: some milliseconds of reading.
inline constexpr int64_t kHeartbeatImages = 1024;

struct ImageSize {
  int64_t channels = 1;  // 1 to 4, as PlausibleImage has it
  int64_t height = 0;    // pixels
  int64_t width = 0;

  int64_t bytes() const { return channels * height * width; }  // of 8 bits a channel
  bool operator==(const ImageSize&) const = default;
};

// False for sizes that only a damaged header has: no pixel, more than 2^26 of them, or no or more than 4 channels. To
// be asked before anything of the size is allocated; its bytes fit an int64 then.
constexpr bool PlausibleImage(int64_t channels, int64_t height, int64_t width) {
  constexpr int64_t kMaxPixels = 1 << 26;
  return channels >= 1 && channels <= 4 && height >= 1 && width >= 1 && height <= kMaxPixels && width <= kMaxPixels &&
         height * width <= kMaxPixels;
}

// Appends images to `pixels` (uint8 [n, C, H, W], row by row, of 0 to 255), which must outlive it and grows as they
// come. Not thread-safe.
class ImagePartWriter {
 public:
  // Images of `size`, a plausible one, come; img_size x img_size pixels of as many channels leave, resized as Resizer
  // does (bilinear, proportions not kept), or what came if img_size is 0. img_size >= 0.
  ImagePartWriter(const ImageSize& size, int64_t img_size, std::vector<uint8_t>& pixels)
      : size_(size), pixels_(pixels) {
    if (img_size > 0 && (size.height != img_size || size.width != img_size)) {
      resizer_.emplace(size.height, size.width, img_size, img_size);
      out_bytes_ = static_cast<size_t>(size.channels * img_size * img_size);
    }
  }

  // image: uint8 [C, height, width] of the `size` that was given; copied. O(pixels) of both sizes.
  void Add(const uint8_t* image) {
    if (!resizer_) {
      pixels_.insert(pixels_.end(), image, image + size_.bytes());
      return;
    }
    pixels_.resize(pixels_.size() + out_bytes_);
    resizer_->Apply(image, size_.channels, pixels_.data() + pixels_.size() - out_bytes_);
  }

 private:
  ImageSize size_;
  std::vector<uint8_t>& pixels_;
  std::optional<Resizer> resizer_;
  size_t out_bytes_ = 0;
};

}  // namespace athanor::training
