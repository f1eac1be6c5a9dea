#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "worker/training/data/source.h"

namespace athanor::training {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::Lt;

constexpr auto kSilent = [] {};

RawDataset Read(DatasetKind kind, TaskKind task, uint64_t seed = 0, int64_t train = 300, int64_t test = 100) {
  const DataOptions options = {
      .kind = kind, .max_train_examples = train, .max_test_examples = test, .split_seed = seed, .img_size = 24};
  return MakeSource(options, task)->Read(1, kSilent);
}

TEST(Synthetic, DependsOnTheSeedAndGivesTheFirstOfTheSameExamples) {
  const RawDataset few = Read(DatasetKind::kSyntheticImages, TaskKind::kClassification, 1, 10, 5);
  const RawDataset more = Read(DatasetKind::kSyntheticImages, TaskKind::kClassification, 1, 20, 5);
  const RawDataset other = Read(DatasetKind::kSyntheticImages, TaskKind::kClassification, 2, 10, 5);
  EXPECT_EQ(few.train.count, 10);
  EXPECT_EQ(few.test.count, 5);
  EXPECT_TRUE(std::equal(few.train.pixels.begin(), few.train.pixels.end(), more.train.pixels.begin()));
  EXPECT_EQ(few.test.pixels, more.test.pixels);
  EXPECT_NE(few.train.pixels, other.train.pixels);
  EXPECT_NE(few.train.classes, few.test.classes);
}

TEST(SyntheticImages, BrightensTheQuarterAndTheChannelOfTheClass) {
  const RawDataset raw = Read(DatasetKind::kSyntheticImages, TaskKind::kClassification);
  ASSERT_EQ(raw.classes.size(), 12);
  EXPECT_EQ(raw.classes[5], "upper right green");
  const size_t half = 12, side = 24, plane = side * side;
  for (size_t i = 0; i < 50; ++i) {
    double sums[12] = {};
    for (size_t channel = 0; channel < 3; ++channel) {
      for (size_t pixel = 0; pixel < plane; ++pixel) {
        const size_t quarter = 2 * (pixel / side / half) + pixel % side / half;
        sums[4 * channel + quarter] += raw.train.pixels[(i * 3 + channel) * plane + pixel];
      }
    }
    EXPECT_EQ(std::ranges::max_element(sums) - sums, raw.train.classes[i]);
  }
}

TEST(SyntheticFaces, PutsDarkFeaturesAtTheKeyPoints) {
  const RawDataset raw = Read(DatasetKind::kSyntheticFaces, TaskKind::kRegression);
  ASSERT_EQ(raw.target_columns.size(), 10);
  EXPECT_EQ(raw.target_columns[0], "left_eye_x");
  EXPECT_EQ(raw.target_columns[9], "mouth_right_y");
  EXPECT_THAT(raw.train.targets, Each(AllOf(Ge(0.0), Lt(24.0))));
  // The pixel at each point is darker than the one between the eyes' and the nose's mean position, on the skin.
  double darker = 0;
  for (size_t i = 0; i < 300; ++i) {
    const double* points = raw.train.targets.data() + 10 * i;
    const auto pixel = [&](double x, double y) {
      return raw.train
          .pixels[i * 24 * 24 + static_cast<size_t>(std::lround(y)) * 24 + static_cast<size_t>(std::lround(x))];
    };
    const int skin = pixel((points[0] + points[2]) / 2, (points[1] + points[3]) / 2);
    for (size_t point = 0; point < 5; ++point) {
      if (pixel(points[2 * point], points[2 * point + 1]) < skin) ++darker;
    }
  }
  EXPECT_GT(darker / 1500, 0.97);
}

TEST(SyntheticTable, FollowsItsFormulaUpToItsNoise) {
  const RawDataset raw = Read(DatasetKind::kSyntheticTable, TaskKind::kRegression, 3, 4000);
  ASSERT_EQ(raw.train.targets.size(), 4000);
  double squares = 0;
  for (size_t i = 0; i < 4000; ++i) {
    const double* x = raw.train.numbers.data() + 4 * i;
    const double colour[] = {0, 3, -3};
    const double size[] = {0, 4};
    const double expected = 10 * std::sin(std::numbers::pi * x[0]) + 20 * std::pow(x[1] - 0.5, 2) + 10 * x[2] +
                            colour[raw.train.categories[2 * i] - 1] + size[raw.train.categories[2 * i + 1] - 1];
    squares += std::pow(raw.train.targets[i] - expected, 2);
  }
  EXPECT_NEAR(squares / 4000, 1, 0.1);  // five standard errors of sqrt(2 / 4000)
}

TEST(SyntheticTable, ServesEveryTask) {
  const RawDataset numbers = Read(DatasetKind::kSyntheticTable, TaskKind::kRegression);
  const RawDataset classes = Read(DatasetKind::kSyntheticTable, TaskKind::kClassification);
  const RawDataset labels = Read(DatasetKind::kSyntheticTable, TaskKind::kMultiLabel);
  const RawDataset nothing = Read(DatasetKind::kSyntheticTable, TaskKind::kReconstruction);
  EXPECT_EQ(nothing.train.numbers, numbers.train.numbers) << "the same examples";
  for (size_t i = 0; i < 300; ++i) {
    const double y = numbers.train.targets[i];
    EXPECT_EQ(classes.train.classes[i], (y >= 12) + (y >= 18));
    EXPECT_EQ(labels.train.targets[2 * i], y >= 12);
    EXPECT_EQ(labels.train.targets[2 * i + 1], y >= 18);
  }
}

}  // namespace
}  // namespace athanor::training
