#include "worker/training/data/image_operations.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/affine_grid_generator.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/grid_sampler.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/tensor.h>

#include <cmath>

namespace athanor::training {
namespace {

// [B, ...] on the device of the images.
template <typename Number>
at::Tensor Brought(const std::vector<Number>& values, std::vector<int64_t> sizes, const at::Tensor& images) {
  return at::tensor(values).view(sizes).to(images.device(), /*non_blocking=*/true);
}

at::Tensor OfChannels(const std::vector<double>& values, const at::Tensor& images) {
  return Brought(std::vector<float>(values.begin(), values.end()), {1, -1, 1, 1}, images);
}

}  // namespace

at::Tensor Windowed(const at::Tensor& images, int64_t padding, std::span<const WindowDraw> draws) {
  const int64_t count = images.size(0), channels = images.size(1), height = images.size(2), width = images.size(3);
  const at::Tensor padded = padding > 0 ? at::constant_pad_nd(images, {padding, padding, padding, padding}, 0) : images;
  const int64_t stride = padded.size(3);
  std::vector<int64_t> rows, columns;  // where a pixel comes from: offset of its row, and its column
  for (const WindowDraw& draw : draws) {
    for (int64_t y = 0; y < height; ++y) {
      rows.push_back((draw.top + (draw.mirror_vertical ? height - 1 - y : y)) * stride);
    }
    for (int64_t x = 0; x < width; ++x) columns.push_back(draw.left + (draw.mirror_horizontal ? width - 1 - x : x));
  }
  const at::Tensor sources =
      Brought(rows, {count, 1, height, 1}, images) + Brought(columns, {count, 1, 1, width}, images);
  const at::Tensor index = sources.view({count, 1, height * width}).expand({count, channels, height * width});
  return at::gather(padded.reshape({count, channels, -1}), 2, index).view({count, channels, height, width});
}

at::Tensor Transformed(const at::Tensor& images, std::span<const AffineDraw> draws) {
  const auto height = static_cast<double>(images.size(2)), width = static_cast<double>(images.size(3));
  // From where each output pixel takes its value, in coordinates that run from -1 to 1 over each side.
  std::vector<float> inverses;
  for (const AffineDraw& draw : draws) {
    const double cosine = std::cos(draw.angle) / draw.scale, sine = std::sin(draw.angle) / draw.scale;
    const double right = 2 * draw.right / width, down = 2 * draw.down / height;
    // y points down: a counter-clockwise rotation of what is seen is (x, y) -> (x cos + y sin, -x sin + y cos), and
    // this its inverse.
    const double matrix[2][2] = {{cosine, -sine * height / width}, {sine * width / height, cosine}};
    for (const auto& [x, y] : matrix) {
      for (const double value : {x, y, -x * right - y * down}) inverses.push_back(static_cast<float>(value));
    }
  }
  const at::Tensor theta = Brought(inverses, {images.size(0), 2, 3}, images);
  const at::Tensor grid = at::affine_grid_generator(theta, images.sizes(), /*align_corners=*/false);
  constexpr int64_t kBilinear = 0, kZeros = 0;
  return at::grid_sampler(images, grid, kBilinear, kZeros, /*align_corners=*/false);
}

at::Tensor Lit(const at::Tensor& images, std::span<const LightDraw> draws, const std::vector<double>& mean,
               const std::vector<double>& stddev) {
  std::vector<float> brightness, contrast;
  for (const LightDraw& draw : draws) {
    brightness.push_back(static_cast<float>(draw.brightness));
    contrast.push_back(static_cast<float>(draw.contrast));
  }
  const std::vector<int64_t> of_images = {images.size(0), 1, 1, 1};
  const at::Tensor means = OfChannels(mean, images), deviations = OfChannels(stddev, images);
  at::Tensor pixels = at::clamp(Brought(brightness, of_images, images) * (images * deviations + means), 0, 1);
  const at::Tensor levels = at::mean(pixels, {1, 2, 3}, /*keepdim=*/true);
  pixels = at::clamp((pixels - levels) * Brought(contrast, of_images, images) + levels, 0, 1);
  return (pixels - means) / deviations;
}

at::Tensor WithoutSquares(const at::Tensor& images, int64_t side, std::span<const SquareDraw> draws) {
  const int64_t count = images.size(0), height = images.size(2), width = images.size(3);
  std::vector<float> rows, columns;  // 1 inside the square
  for (const SquareDraw& draw : draws) {
    for (int64_t y = 0; y < height; ++y) rows.push_back(y >= draw.top && y < draw.top + side ? 1 : 0);
    for (int64_t x = 0; x < width; ++x) columns.push_back(x >= draw.left && x < draw.left + side ? 1 : 0);
  }
  const at::Tensor square =
      Brought(rows, {count, 1, height, 1}, images) * Brought(columns, {count, 1, 1, width}, images);
  return images * (1 - square);
}

}  // namespace athanor::training
