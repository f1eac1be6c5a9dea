#include "worker/training/data/resize.h"

#include <algorithm>
#include <cmath>

namespace athanor::training {

Resizer::Resizer(int64_t height, int64_t width, int64_t out_height, int64_t out_width)
    : height_(height), width_(width), rows_(Windows(height, out_height)), columns_(Windows(width, out_width)) {}

std::vector<Resizer::Window> Resizer::Windows(int64_t size, int64_t out_size) {
  const double scale = static_cast<double>(size) / static_cast<double>(out_size);
  const double reach = std::max(scale, 1.0);
  std::vector<Window> windows(static_cast<size_t>(out_size));
  for (int64_t i = 0; i < out_size; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, std::llround(std::floor(centre - reach)));
    const int64_t last = std::min<int64_t>(size, std::llround(std::ceil(centre + reach)));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t j = first; j < last; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs((static_cast<double>(j) + 0.5 - centre) / reach)));
      sum += weights.back();
    }
    Window& window = windows[static_cast<size_t>(i)];
    window.first = first;
    for (const double weight : weights) window.weights.push_back(static_cast<float>(weight / sum));
  }
  return windows;
}

void Resizer::Apply(const uint8_t* planes, int64_t count, uint8_t* out) const {
  const auto out_width = columns_.size();
  std::vector<float> narrowed(static_cast<size_t>(height_) * out_width);  // resized in width
  for (int64_t plane = 0; plane < count; ++plane, planes += height_ * width_) {
    for (int64_t y = 0; y < height_; ++y) {
      float* const row = narrowed.data() + static_cast<size_t>(y) * out_width;
      for (size_t x = 0; x < out_width; ++x) {
        const uint8_t* pixel = planes + y * width_ + columns_[x].first;
        float sum = 0;
        for (const float weight : columns_[x].weights) sum += weight * static_cast<float>(*pixel++);
        row[x] = sum;
      }
    }
    for (const Window& window : rows_) {
      for (size_t x = 0; x < out_width; ++x) {
        const float* value = narrowed.data() + static_cast<size_t>(window.first) * out_width + x;
        float sum = 0;
        for (const float weight : window.weights) {
          sum += weight * *value;
          value += out_width;
        }
        *out++ = static_cast<uint8_t>(std::clamp(sum + 0.5f, 0.0f, 255.0f));
      }
    }
  }
}

}  // namespace athanor::training
