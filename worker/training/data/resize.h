// Bilinear resizing of 8-bit images.
#pragma once

#include <cstdint>
#include <vector>

namespace athanor::training {

// From one size to another. An output pixel is the mean of the input under a triangle of half-width max(1, input size /
// output size) input pixels around its centre, in each direction: bilinear interpolation where the image grows, area
// averaging where it shrinks (what Pillow calls BILINEAR). All sizes >= 1. Immutable: any number of threads.
class Resizer {
 public:
  Resizer(int64_t height, int64_t width, int64_t out_height, int64_t out_width);

  // planes: uint8 [count, height, width]; out: uint8 [count, out_height, out_width], rounded to nearest.
  void Apply(const uint8_t* planes, int64_t count, uint8_t* out) const;

 private:
  // The inputs that one output is a weighted mean of: a run of them.
  struct Window {
    int64_t first = 0;
    std::vector<float> weights;
  };
  static std::vector<Window> Windows(int64_t size, int64_t out_size);

  int64_t height_;
  int64_t width_;
  std::vector<Window> rows_;
  std::vector<Window> columns_;
};

}  // namespace athanor::training
