#include "worker/training/data/resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/training/data/image_part.h"

namespace athanor::training {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<uint8_t> Resized(const std::vector<uint8_t>& planes, int64_t height, int64_t width, int64_t out_height,
                             int64_t out_width) {
  const int64_t count = std::ssize(planes) / (height * width);
  std::vector<uint8_t> out(static_cast<size_t>(count * out_height * out_width));
  Resizer(height, width, out_height, out_width).Apply(planes.data(), count, out.data());
  return out;
}

TEST(Resizer, LeavesTheSameSizeAsItIs) {
  EXPECT_THAT(Resized({1, 2, 3, 4, 5, 6}, 2, 3, 2, 3), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Resizer, InterpolatesWhereItGrows) {
  // Centres of the outputs lie at 0.25, 0.75, 1.25 and 1.75; those of the inputs at 0.5 and 1.5.
  EXPECT_THAT(Resized({0, 100}, 1, 2, 1, 4), ElementsAre(0, 25, 75, 100));
  EXPECT_THAT(Resized({0, 100}, 2, 1, 4, 1), ElementsAre(0, 25, 75, 100));
}

TEST(Resizer, AveragesWhereItShrinks) {
  // Half size: a triangle of half-width 2 around 1 and 3 over centres 0.5, 1.5, 2.5, 3.5: weights .75 .75 .25
  // (of 1.75).
  EXPECT_THAT(Resized({0, 0, 70, 140}, 1, 4, 1, 2), ElementsAre(10, 90));
  // One pixel of everything: a triangle of half-width 4 around 2: weights 5/8, 7/8, 7/8, 5/8 (of 3).
  EXPECT_THAT(Resized({0, 0, 120, 240}, 1, 4, 1, 1), ElementsAre(85));
}

TEST(Resizer, KeepsWhatIsConstantAndTakesPlanesOneByOne) {
  std::vector<uint8_t> planes(2 * 7 * 5, 200);
  std::fill(planes.begin() + 35, planes.end(), 255);
  const std::vector<uint8_t> out = Resized(planes, 7, 5, 3, 9);
  EXPECT_THAT(std::vector<uint8_t>(out.begin(), out.begin() + 27), Each(200));
  EXPECT_THAT(std::vector<uint8_t>(out.begin() + 27, out.end()), Each(255));
}

TEST(ImagePartWriter, ResizesOnTheWayIfAsked) {
  const std::vector<uint8_t> image = {0, 100, 0, 100};
  std::vector<uint8_t> plain, resized;
  ImagePartWriter({.channels = 1, .height = 2, .width = 2}, 0, plain).Add(image.data());
  ImagePartWriter({.channels = 1, .height = 2, .width = 2}, 1, resized).Add(image.data());
  EXPECT_EQ(plain, image);
  EXPECT_THAT(resized, ElementsAre(50));
}

TEST(PlausibleImage, RefusesSizesThatOverflow) {
  EXPECT_TRUE(PlausibleImage(3, 4000, 6000));
  EXPECT_FALSE(PlausibleImage(1, 0, 5));
  EXPECT_FALSE(PlausibleImage(1, int64_t{1} << 32, int64_t{1} << 32));
  EXPECT_FALSE(PlausibleImage(5, 1, 1));
}

}  // namespace
}  // namespace athanor::training
