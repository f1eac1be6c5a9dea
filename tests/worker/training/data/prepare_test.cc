#include "worker/training/data/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/worker/training/data/error_of.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Dataset Prepare(const RawDataset& raw, const DataOptions& options, TaskKind task) {
  return PrepareDataset(std::make_shared<const RawDataset>(raw), options, task, at::kCPU);
}

std::vector<float> Values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

std::vector<int64_t> Integers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kLong).contiguous();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

// `count` images of one pixel that holds their number; classes 0 and 1, one of four is of class 1.
RawPart Images(int64_t count, int64_t first = 0) {
  RawPart part;
  part.count = count;
  for (int64_t i = first; i < first + count; ++i) {
    part.pixels.push_back(static_cast<uint8_t>(i));
    part.classes.push_back(i % 4 == 3);
  }
  return part;
}

RawDataset ImageData(int64_t train, int64_t validation, int64_t test) {
  RawDataset raw;
  raw.channels = raw.height = raw.width = 1;
  raw.classes = {"common", "rare"};
  raw.train = Images(train);
  raw.validation = Images(validation, 100);
  raw.test = Images(test, 200);
  return raw;
}

// Two numeric columns, one categorical one of two values, a target.
RawDataset TableData() {
  RawDataset raw;
  raw.input = InputKind::kTable;
  raw.numeric_columns = {"x", "constant"};
  raw.categorical_columns = {"colour"};
  raw.category_values = {{"", "blue", "red"}};
  raw.target_columns = {"y"};
  raw.train = {
      .count = 2, .pixels = {}, .numbers = {1, 7, 5, 7}, .categories = {1, 2}, .classes = {}, .targets = {10, 30}};
  raw.validation = {.count = 1, .pixels = {}, .numbers = {9, 7}, .categories = {0}, .classes = {}, .targets = {20}};
  raw.test = {.count = 1, .pixels = {}, .numbers = {3, 8}, .categories = {2}, .classes = {}, .targets = {0}};
  return raw;
}

TEST(PrepareDataset, KeepsGivenPartsAndTheirOrder) {
  const Dataset dataset = Prepare(ImageData(4, 2, 3), {}, TaskKind::kClassification);
  EXPECT_THAT(Integers(dataset.training_part.inputs), ElementsAre(0, 1, 2, 3, 100, 101));
  EXPECT_THAT(Integers(dataset.training_part.targets), ElementsAre(0, 0, 0, 1, 0, 0));
  EXPECT_THAT(Integers(dataset.train_indices), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Integers(dataset.validation_indices), ElementsAre(4, 5));
  EXPECT_THAT(Integers(dataset.test.inputs), ElementsAre(200, 201, 202));
  EXPECT_THAT(dataset.class_counts, ElementsAre(3, 1));
  EXPECT_THAT(dataset.normalization.classes, ElementsAre("common", "rare"));
  EXPECT_DOUBLE_EQ(dataset.normalization.mean.at(0), 1.5 / 255) << "of the training half alone";
  EXPECT_EQ(dataset.shape, (Shape{.channels = 1, .height = 1, .width = 1, .outputs = 2}));
}

TEST(PrepareDataset, SplitsTestThenCountsThenSplitsValidation) {
  const DataOptions options = {
      .max_train_examples = 50, .max_test_examples = 7, .validation_fraction = 0.2, .test_fraction = 0.1};
  const Dataset dataset = Prepare(ImageData(100, 0, 0), options, TaskKind::kClassification);
  EXPECT_EQ(dataset.test.count(), 7) << "of 10";
  EXPECT_EQ(dataset.training_part.count(), 50);
  EXPECT_EQ(dataset.train_indices.size(0), 40);
  EXPECT_EQ(dataset.validation_indices.size(0), 10);
  std::vector<int64_t> all = Integers(dataset.training_part.inputs), test = Integers(dataset.test.inputs);
  for (const int64_t example : test) EXPECT_THAT(all, testing::Not(testing::Contains(example)));
  const int64_t counted = dataset.class_counts.at(0) + dataset.class_counts.at(1);
  EXPECT_EQ(counted, 40);
}

TEST(PrepareDataset, HoldsOutTheSameShareOfEveryClassIfAsked) {
  const DataOptions options = {.validation_fraction = 0.25, .test_fraction = 0.2, .split = SplitKind::kStratified};
  const Dataset dataset = Prepare(ImageData(100, 0, 0), options, TaskKind::kClassification);
  EXPECT_EQ(dataset.test.targets.sum().item<int64_t>(), 5);  // of 25
  EXPECT_THAT(dataset.class_counts, ElementsAre(45, 15));    // of 60 and 20
  EXPECT_THAT(ErrorOf<InfeasibleError>([&] { Prepare(TableData(), options, TaskKind::kRegression); }),
              testing::StrEq("no error"))
      << "nothing is split where all parts are given";
  RawDataset raw = TableData();
  raw.test = {};
  EXPECT_THAT(ErrorOf<InfeasibleError>([&] { Prepare(raw, options, TaskKind::kRegression); }),
              HasSubstr("split: stratified needs examples with classes"));
}

TEST(PrepareDataset, StandardisesChannelsEachByItsOwn) {
  RawDataset raw = ImageData(2, 1, 1);
  raw.channels = 2;
  raw.train.pixels = {0, 51, 102, 51};  // the second channel is constant
  raw.validation.pixels = {102, 0};
  raw.test.pixels = {51, 102};
  const Dataset dataset = Prepare(raw, {}, TaskKind::kClassification);
  EXPECT_DOUBLE_EQ(dataset.normalization.mean.at(0), 0.2);
  EXPECT_DOUBLE_EQ(dataset.normalization.stddev.at(0), 0.2);
  EXPECT_DOUBLE_EQ(dataset.normalization.mean.at(1), 0.2);
  EXPECT_DOUBLE_EQ(dataset.normalization.stddev.at(1), 1);
  const Batch batch = GatherBatch(dataset, dataset.training_part, dataset.train_indices, at::kCPU);
  EXPECT_THAT(Values(batch.inputs), testing::Pointwise(testing::FloatNear(1e-6), {-1, 0, 1, 0}));
}

TEST(PrepareDataset, StandardisesTablesAndTheirTargetsByTheTrainingHalf) {
  const Dataset dataset = Prepare(TableData(), {}, TaskKind::kRegression);
  EXPECT_EQ(dataset.shape, (Shape{.input = InputKind::kTable, .features = 5, .outputs = 1}));
  EXPECT_THAT(dataset.normalization.mean, ElementsAre(3, 7));
  EXPECT_THAT(dataset.normalization.stddev, ElementsAre(2, 1)) << "1 for what is constant";
  EXPECT_THAT(dataset.normalization.target_mean, ElementsAre(20));
  EXPECT_THAT(dataset.normalization.target_stddev, ElementsAre(10));
  EXPECT_THAT(dataset.normalization.columns, ElementsAre("x", "constant", "colour"));
  EXPECT_THAT(dataset.normalization.classes, ElementsAre("y"));
  // x, constant, then unknown, blue, red.
  EXPECT_THAT(Values(dataset.training_part.inputs), ElementsAre(-1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 3, 0, 1, 0, 0));
  EXPECT_THAT(Values(dataset.training_part.targets), ElementsAre(-1, 1, 0));
  EXPECT_THAT(Values(dataset.test.inputs), ElementsAre(0, 1, 0, 0, 1));
  EXPECT_THAT(Values(dataset.test.targets), ElementsAre(-2));
  const Batch batch = GatherBatch(dataset, dataset.test, dataset.train_indices.narrow(0, 0, 1), at::kCPU);
  EXPECT_THAT(Values(batch.inputs), ElementsAre(0, 1, 0, 0, 1)) << "as they are";
}

TEST(PrepareDataset, RefusesNumbersThatStandardisedFitNoFloat) {
  const auto error = [](const RawDataset& raw) {
    return ErrorOf<DataError>([&] { Prepare(raw, {}, TaskKind::kRegression); });
  };
  RawDataset raw = TableData();
  raw.train.numbers = {0, 7, 1e-10, 7};  // x: mean and deviation 5e-11
  raw.test.numbers = {3e38, 8};
  EXPECT_THAT(error(raw), HasSubstr("column x: 3e+38 lies too far from the training part's mean 5e-11"));
  raw = TableData();
  raw.train.targets = {0, 1e-10};
  raw.test.targets = {-3e38};
  EXPECT_THAT(error(raw), HasSubstr("column y: -3e+38 lies too far"));
}

TEST(PrepareDataset, LeavesCategoriesAsIndicesForEmbedding) {
  const Dataset dataset = Prepare(TableData(), {.categories = CategoryCoding::kEmbedded}, TaskKind::kRegression);
  EXPECT_EQ(dataset.shape, (Shape{.input = InputKind::kTable, .features = 2, .categories = {3}, .outputs = 1}));
  EXPECT_THAT(Values(dataset.training_part.inputs), ElementsAre(-1, 0, 1, 1, 0, 2, 3, 0, 0));
}

TEST(PrepareDataset, KeepsLabelsAsTheyAre) {
  RawDataset raw = TableData();
  raw.target_columns = {"a"};
  raw.train.targets = {0, 1};
  raw.validation.targets = {1};
  raw.test.targets = {0};
  const Dataset dataset = Prepare(raw, {}, TaskKind::kMultiLabel);
  EXPECT_THAT(Values(dataset.training_part.targets), ElementsAre(0, 1, 1));
  EXPECT_EQ(dataset.shape.outputs, 1);
  EXPECT_THAT(dataset.normalization.target_mean, IsEmpty());
  EXPECT_THAT(dataset.normalization.classes, ElementsAre("a"));
}

TEST(PrepareDataset, ReconstructsInputsOfAnyData) {
  EXPECT_EQ(Prepare(ImageData(4, 1, 1), {}, TaskKind::kReconstruction).shape.outputs, 1);
  const Dataset table = Prepare(TableData(), {}, TaskKind::kReconstruction);
  EXPECT_EQ(table.shape.outputs, 5);
  EXPECT_THAT(table.normalization.classes, IsEmpty());
}

TEST(PrepareDataset, RefusesDataThatAreNotForTheTask) {
  struct Case {
    RawDataset raw;
    DataOptions options;
    TaskKind task;
    const char* expected;
  };
  RawDataset many = TableData();
  many.category_values[0].resize(5000);
  const Case cases[] = {
      {TableData(), {}, TaskKind::kClassification, "the data set has no classes"},
      {ImageData(4, 1, 1), {}, TaskKind::kRegression, "the data set has no numbers to predict"},
      {TableData(), {}, TaskKind::kMultiLabel, "the data set has no columns of labels"},
      {TableData(), {.categories = CategoryCoding::kEmbedded}, TaskKind::kReconstruction, "needs categories: one_hot"},
      {many, {}, TaskKind::kRegression, "categories: one_hot makes 5002 columns"},
      {ImageData(1, 0, 1), {}, TaskKind::kClassification, "1 examples cannot be split in two"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ErrorOf<InfeasibleError>([&] { Prepare(c.raw, c.options, c.task); }), HasSubstr(c.expected));
  }
}

}  // namespace
}  // namespace athanor::training
