#include "worker/training/data/image_operations.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numbers>

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

auto Near(const std::vector<float>& expected) { return Pointwise(FloatNear(1e-5f), expected); }

// An image of `height` x `width` with the numbers 1, 2, 3, ... by row.
at::Tensor Counted(int64_t height, int64_t width, int64_t channels = 1) {
  return at::arange(1, channels * height * width + 1, at::kFloat).view({1, channels, height, width});
}

std::vector<float> Values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

TEST(Windowed, MirrorsExactly) {
  const at::Tensor images = at::cat({Counted(2, 3), Counted(2, 3), Counted(2, 3)});
  const std::vector<WindowDraw> draws = {
      {.mirror_horizontal = true}, {.mirror_vertical = true}, {.mirror_horizontal = true, .mirror_vertical = true}};
  const at::Tensor out = Windowed(images, 0, draws);
  EXPECT_THAT(Values(out[0]), ElementsAre(3, 2, 1, 6, 5, 4));
  EXPECT_THAT(Values(out[1]), ElementsAre(4, 5, 6, 1, 2, 3));
  EXPECT_THAT(Values(out[2]), ElementsAre(6, 5, 4, 3, 2, 1));
}

TEST(Windowed, CropsOutOfThePaddedImageEachItsOwn) {
  const at::Tensor images = at::cat({Counted(2, 3), Counted(2, 3), Counted(2, 3), Counted(2, 3)});
  const std::vector<WindowDraw> draws = {{.top = 1, .left = 1},
                                         {.top = 0, .left = 0},
                                         {.top = 2, .left = 1},
                                         {.top = 2, .left = 2, .mirror_horizontal = true}};
  const at::Tensor out = Windowed(images, 1, draws);
  EXPECT_THAT(Values(out[0]), ElementsAre(1, 2, 3, 4, 5, 6)) << "the middle";
  EXPECT_THAT(Values(out[1]), ElementsAre(0, 0, 0, 0, 1, 2));
  EXPECT_THAT(Values(out[2]), ElementsAre(4, 5, 6, 0, 0, 0));
  EXPECT_THAT(Values(out[3]), ElementsAre(0, 6, 5, 0, 0, 0));
}

TEST(Windowed, MovesAllChannelsAlike) {
  const at::Tensor out = Windowed(Counted(1, 2, 2), 1, std::vector<WindowDraw>{{.top = 1, .left = 2}});
  EXPECT_THAT(Values(out), ElementsAre(2, 0, 4, 0));
}

TEST(Transformed, RotatesCounterClockwiseAboutTheCentre) {
  const at::Tensor images = at::cat({Counted(3, 3), Counted(3, 3)});
  const std::vector<AffineDraw> draws = {{.angle = std::numbers::pi / 2}, {.angle = std::numbers::pi}};
  const at::Tensor out = Transformed(images, draws);
  EXPECT_THAT(Values(out[0]), Near({3, 6, 9, 2, 5, 8, 1, 4, 7}));
  EXPECT_THAT(Values(out[1]), Near({9, 8, 7, 6, 5, 4, 3, 2, 1}));
}

TEST(Transformed, KeepsRightAnglesInImagesThatAreNotSquare) {
  // A quarter turn of 1 x 3 about its centre shows one column of it in one row, and nothing beside.
  const at::Tensor out = Transformed(Counted(1, 3), std::vector<AffineDraw>{{.angle = std::numbers::pi / 2}});
  EXPECT_THAT(Values(out), Near({0, 2, 0}));
}

TEST(Transformed, MovesByPixelsAndShowsZeroBeside) {
  const at::Tensor images = at::cat({Counted(2, 3), Counted(2, 3), Counted(2, 3)});
  const std::vector<AffineDraw> draws = {{.right = 1}, {.down = -1}, {.right = 0.5}};
  const at::Tensor out = Transformed(images, draws);
  EXPECT_THAT(Values(out[0]), Near({0, 1, 2, 0, 4, 5}));
  EXPECT_THAT(Values(out[1]), Near({4, 5, 6, 0, 0, 0}));
  EXPECT_THAT(Values(out[2]), Near({0.5, 1.5, 2.5, 2, 4.5, 5.5}));
}

TEST(Transformed, EnlargesAboutTheCentre) {
  const at::Tensor row = at::tensor({0.f, 4.f, 8.f, 4.f}).view({1, 1, 1, 4});
  // Twice as large: outputs at 0.5, 1.5, 2.5, 3.5 show inputs at 1.25, 1.75, 2.25, 2.75; centres lie at 0.5, 1.5, ...
  // The row itself is half as high as what it is enlarged to, and its middle stays in the middle.
  const at::Tensor out = Transformed(row, std::vector<AffineDraw>{{.scale = 2}});
  EXPECT_THAT(Values(out), Near({3, 5, 7, 7}));
}

TEST(Lit, ChangesPixelsOnTheScaleOfZeroToOne) {
  // Pixels 0.2 and 0.6 of mean 0.5 and deviation 0.25.
  const std::vector<double> mean = {0.5}, stddev = {0.25};
  const at::Tensor images = ((at::tensor({0.2f, 0.6f, 0.2f, 0.6f, 0.2f, 0.6f}) - 0.5) / 0.25).view({3, 1, 1, 2});
  const std::vector<LightDraw> draws = {{.brightness = 0.5}, {.contrast = 2}, {.brightness = 2, .contrast = 0.5}};
  const at::Tensor pixels = Lit(images, draws, mean, stddev) * 0.25 + 0.5;
  EXPECT_THAT(Values(pixels[0]), Near({0.1, 0.3}));
  EXPECT_THAT(Values(pixels[1]), Near({0, 0.8}));      // 0.4 -+ 0.4
  EXPECT_THAT(Values(pixels[2]), Near({0.55, 0.85}));  // 0.4 and 1 (cut), 0.7 -+ 0.15
}

TEST(Lit, TakesTheMeanOverAllChannelsAndScalesEachByItsOwn) {
  // Pixels 0.2 of one channel and 0.6 of another.
  const std::vector<double> mean = {0.1, 0.2}, stddev = {0.5, 0.1};
  const at::Tensor images = at::tensor({0.2f, 4.f}).view({1, 2, 1, 1});
  const at::Tensor out = Lit(images, std::vector<LightDraw>{{.contrast = 0.5}}, mean, stddev);
  EXPECT_THAT(Values(out), Near({0.4, 3}));  // 0.3 and 0.5
}

TEST(WithoutSquares, ClearsASquareCutAtTheEdges) {
  const at::Tensor images = at::cat({Counted(3, 3), Counted(3, 3)});
  const std::vector<SquareDraw> draws = {{.top = 1, .left = 1}, {.top = -1, .left = 2}};
  const at::Tensor out = WithoutSquares(images, 2, draws);
  EXPECT_THAT(Values(out[0]), ElementsAre(1, 2, 3, 4, 0, 0, 7, 0, 0));
  EXPECT_THAT(Values(out[1]), ElementsAre(1, 2, 0, 4, 5, 6, 7, 8, 9));
}

TEST(ImageOperations, LeaveTheirArgumentsAsTheyAre) {
  const at::Tensor images = Counted(3, 3), before = images.clone();
  Windowed(images, 1, std::vector<WindowDraw>(1));
  Transformed(images, std::vector<AffineDraw>{{.angle = 1}});
  Lit(images, std::vector<LightDraw>{{.brightness = 0.1}}, {0.5}, {0.2});
  WithoutSquares(images, 2, std::vector<SquareDraw>(1));
  EXPECT_TRUE(images.equal(before));
}

}  // namespace
}  // namespace athanor::training
