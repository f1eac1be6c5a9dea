// Changes to a batch of images, each image by draws of its own. The draws are the caller's; everything is computed on
// the device of the batch.
//
// images: float32 [B, C, H, W], standardised, so that 0 is the mean: what comes into view from outside an image is 0.
// One draw an image. None changes its arguments.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace athanor::training {

// A window of the image's own size into the image with `padding` pixels around it; [0, 2 * padding] from its upper left
// corner. Then mirrored.
struct WindowDraw {
  int64_t top = 0;
  int64_t left = 0;
  bool mirror_horizontal = false;  // left to right
  bool mirror_vertical = false;    // top to bottom
};
at::Tensor Windowed(const at::Tensor& images, int64_t padding, std::span<const WindowDraw> draws);

// Rotated counter-clockwise about the centre, enlarged, then moved; bilinear.
struct AffineDraw {
  double angle = 0;  // radians
  double scale = 1;  // > 0
  double right = 0;  // pixels
  double down = 0;
};
at::Tensor Transformed(const at::Tensor& images, std::span<const AffineDraw> draws);

// Pixels on the scale of [0, 1] times `brightness`, then the distance from the image's mean (of all channels) times
// `contrast`; cut to [0, 1] after each. mean, stddev: of each channel, by which the pixels are standardised before and
// after.
struct LightDraw {
  double brightness = 1;
  double contrast = 1;
};
at::Tensor Lit(const at::Tensor& images, std::span<const LightDraw> draws, const std::vector<double>& mean,
               const std::vector<double>& stddev);

// A square of `side` pixels set to 0, the part of it that is inside the image. top, left: of its upper left corner, may
// be negative.
struct SquareDraw {
  int64_t top = 0;
  int64_t left = 0;
};
at::Tensor WithoutSquares(const at::Tensor& images, int64_t side, std::span<const SquareDraw> draws);

}  // namespace athanor::training
