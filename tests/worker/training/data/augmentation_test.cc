#include "worker/training/data/augmentation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/worker/training/data/error_of.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

constexpr int64_t kCount = 64;

const Shape kShape = {.channels = 1, .height = 8, .width = 8, .outputs = 3};
const Normalization kNormalization = {.mean = {0.4},
                                      .stddev = {0.2},
                                      .target_mean = {},
                                      .target_stddev = {},
                                      .classes = {"a", "b", "c"},
                                      .columns = {},
                                      .category_values = {}};

Batch SomeBatch() {
  Batch batch;
  batch.inputs = at::arange(kCount * 64, at::kFloat).view({kCount, 1, 8, 8}) / (kCount * 64);
  batch.targets = at::arange(kCount, at::kLong);
  return batch;
}

Batch Applied(const AugmentationOptions& options, uint64_t seed = 1, int64_t step = 0) {
  Batch batch = SomeBatch();
  Augmentation(options, kShape, kNormalization).Apply(batch, seed, step);
  return batch;
}

const AugmentationOptions kEach[] = {
    {.crop_padding = 2},  {.flip_horizontal = true}, {.flip_vertical = true}, {.rotation = 20}, {.scaling = 0.2},
    {.translation = 0.2}, {.brightness = 0.3},       {.contrast = 0.3},       {.cutout = 3},    {.mixup = 0.5}};

TEST(Augmentation, IsOffByDefaultAndThenChangesNothing) {
  EXPECT_FALSE(Augmentation({}, kShape, kNormalization).Active());
  const Batch batch = Applied({});
  EXPECT_TRUE(batch.inputs.equal(SomeBatch().inputs));
  EXPECT_FALSE(batch.other_targets.defined());
}

TEST(Augmentation, IsAFunctionOfSeedAndStep) {
  for (size_t i = 0; i < std::size(kEach); ++i) {
    EXPECT_TRUE(Augmentation(kEach[i], kShape, kNormalization).Active()) << i;
    const Batch batch = Applied(kEach[i], 1, 5);
    EXPECT_FALSE(batch.inputs.equal(SomeBatch().inputs)) << i;
    EXPECT_EQ(batch.inputs.sizes(), SomeBatch().inputs.sizes()) << i;
    EXPECT_TRUE(batch.inputs.equal(Applied(kEach[i], 1, 5).inputs)) << i;
    EXPECT_FALSE(batch.inputs.equal(Applied(kEach[i], 1, 6).inputs)) << i;
    EXPECT_FALSE(batch.inputs.equal(Applied(kEach[i], 2, 5).inputs)) << i;
    EXPECT_TRUE(batch.targets.equal(SomeBatch().targets)) << i;
  }
}

TEST(Augmentation, FlipsAboutHalfOfTheImages) {
  const at::Tensor before = SomeBatch().inputs, after = Applied({.flip_horizontal = true}).inputs;
  int64_t flipped = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    if (after[i].equal(before[i])) continue;
    EXPECT_TRUE(after[i].equal(before[i].flip({2}))) << i;
    ++flipped;
  }
  EXPECT_GE(flipped, 16);
  EXPECT_LE(flipped, 48);
}

TEST(Augmentation, CropsAtEveryPlace) {
  // Images of ones: the sum tells how much of the padding is in view, (8 - |dy|) * (8 - |dx|).
  Batch batch;
  batch.inputs = at::ones({kCount, 1, 8, 8});
  batch.targets = at::arange(kCount, at::kLong);
  Augmentation({.crop_padding = 1}, kShape, kNormalization).Apply(batch, 1, 0);
  std::map<int64_t, int64_t> sums;
  for (int64_t i = 0; i < kCount; ++i) ++sums[batch.inputs[i].sum().item<int64_t>()];
  EXPECT_THAT(sums, testing::ElementsAre(testing::Pair(49, testing::Gt(15)), testing::Pair(56, testing::Gt(15)),
                                         testing::Pair(64, testing::Gt(1))));
}

TEST(Augmentation, CutsOutASquareOfEveryImage) {
  Batch batch;
  batch.inputs = at::ones({kCount, 1, 8, 8});
  batch.targets = at::arange(kCount, at::kLong);
  Augmentation({.cutout = 4}, kShape, kNormalization).Apply(batch, 1, 0);
  for (int64_t i = 0; i < kCount; ++i) {
    const auto left = batch.inputs[i].sum().item<int64_t>();
    EXPECT_GE(left, 64 - 16);  // the whole square inside
    EXPECT_LE(left, 64 - 4);   // its centre is inside: a quarter at least
  }
}

TEST(Augmentation, MixesPairsByTheSameShareAsTheirTargets) {
  const Batch before = SomeBatch(), after = Applied({.mixup = 0.5});
  ASSERT_TRUE(after.other_targets.defined());
  EXPECT_GT(after.mix, 0);
  EXPECT_LT(after.mix, 1);
  // Targets are the examples' numbers, so they tell who is mixed with whom.
  for (int64_t i = 0; i < kCount; ++i) {
    const auto partner = after.other_targets[i].item<int64_t>();
    EXPECT_TRUE(at::allclose(after.inputs[i], before.inputs[i] * after.mix + before.inputs[partner] * (1 - after.mix)));
  }
  EXPECT_TRUE(std::get<0>(after.other_targets.sort()).equal(before.targets)) << "each is a partner once";
}

TEST(Augmentation, RefusesWhatTheDataCannotTake) {
  struct Case {
    AugmentationOptions options;
    Shape shape;
    Normalization normalization;
    const char* expected;
  };
  const Shape table = {.input = InputKind::kTable, .features = 3, .outputs = 3};
  const Shape embedded = {.input = InputKind::kTable, .features = 3, .categories = {4}, .outputs = 3};
  Normalization key_points = kNormalization, nothing = kNormalization;
  key_points.target_mean = {1, 2, 3};
  nothing.classes.clear();
  const Case cases[] = {
      {{.flip_horizontal = true}, table, kNormalization, "the data set is a table"},
      {{.brightness = 0.1}, table, kNormalization, "the data set is a table"},
      {{.mixup = 0.2}, embedded, kNormalization, "mixup needs categories: one_hot"},
      {{.mixup = 0.2}, kShape, nothing, "no targets to mix"},
      {{.rotation = 5}, kShape, key_points, "would move what the numbers of a regression tell of"},
      {{.flip_vertical = true}, kShape, key_points, "would move what the numbers of a regression tell of"},
      {{.crop_padding = 8}, kShape, kNormalization, "do not fit images of 8 x 8"},
      {{.cutout = 9}, kShape, kNormalization, "do not fit images of 8 x 8"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ErrorOf<InfeasibleError>([&] { Augmentation(c.options, c.shape, c.normalization); }),
                HasSubstr(c.expected));
  }
  EXPECT_TRUE(Augmentation({.brightness = 0.1, .cutout = 2}, kShape, key_points).Active());
  EXPECT_TRUE(Augmentation({.mixup = 0.2}, table, kNormalization).Active());
}

TEST(SymmetricBeta, HasTheMomentsOfItsDistribution) {
  for (const double alpha : {0.1, 0.5, 1.0, 4.0}) {
    Random random(7);
    constexpr int kDraws = 20000;
    double sum = 0, squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double draw = SymmetricBeta(alpha, random);
      ASSERT_GE(draw, 0);
      ASSERT_LE(draw, 1);
      sum += draw;
      squares += (draw - 0.5) * (draw - 0.5);
    }
    // The standard error of the mean is at most 0.5 / sqrt(20000) = 0.0035, that of the variance at most 0.0018.
    EXPECT_NEAR(sum / kDraws, 0.5, 0.015) << alpha;
    EXPECT_NEAR(squares / kDraws, 1 / (4 * (2 * alpha + 1)), 0.008) << alpha;
  }
}

TEST(SymmetricBeta, StaysInRangeForTheSmallestAlpha) {
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    const double draw = SymmetricBeta(1e-6, random);
    EXPECT_TRUE(draw >= 0 && draw <= 1) << draw;
  }
}

}  // namespace
}  // namespace athanor::training
