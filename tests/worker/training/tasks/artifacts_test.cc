#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include "worker/training/tasks/histograms.h"
#include "worker/training/tasks/sample_inputs.h"

namespace athanor::training {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

at::Tensor Row(const std::vector<double>& values) { return at::tensor(values, at::kFloat); }
at::Tensor Labels(const std::vector<int64_t>& labels) { return at::tensor(labels, at::kLong); }

// "1, 0, ..., 0, 2": what lies in the first and in the last bin.
std::string Ends(int first, int last) {
  std::string counts = std::to_string(first);
  for (int bin = 1; bin + 1 < kHistogramBins; ++bin) counts += ", 0";
  return counts + ", " + std::to_string(last);
}

TEST(WeightHistograms, SummarizeEachTensor) {
  const ReportFile file = WeightHistograms({{"fc.weight", Row({0, 63, 64})},
                                            {"fc.\"bias\"\n", Row({0.5, 0.5})},
                                            {"broken", Row({kNan, -1, std::numeric_limits<double>::infinity(), 1})},
                                            {"lost", Row({kNan})},
                                            {"count", at::tensor({3}, at::kLong)}});
  EXPECT_EQ(file.name, "histograms.json");
  EXPECT_EQ(
      file.contents,
      "{\"bins\": 64, \"tensors\": [\n"
      "{\"name\": \"fc.weight\", \"count\": 3, \"non_finite\": 0, \"min\": 0, \"max\": 64, \"mean\": 42.3333, "
      "\"stddev\": 29.937, \"counts\": [" +
          Ends(1, 2) +
          "]},\n"
          "{\"name\": \"fc.\\\"bias\\\"\\u000a\", \"count\": 2, \"non_finite\": 0, \"min\": 0.5, \"max\": 0.5, "
          "\"mean\": 0.5, \"stddev\": 0, \"counts\": [" +
          Ends(2, 0) +
          "]},\n"
          "{\"name\": \"broken\", \"count\": 4, \"non_finite\": 2, \"min\": -1, \"max\": 1, \"mean\": 0, \"stddev\": "
          "1, \"counts\": [" +
          Ends(1, 1) +
          "]},\n"
          "{\"name\": \"lost\", \"count\": 1, \"non_finite\": 1},\n"
          "{\"name\": \"count\", \"count\": 1, \"non_finite\": 0, \"min\": 3, \"max\": 3, \"mean\": 3, \"stddev\": 0, "
          "\"counts\": [" +
          Ends(1, 0) +
          "]}\n"
          "]}\n");
}

TEST(WeightHistograms, FillBinsOfEqualWidth) {
  std::string counts = "2";
  for (int bin = 1; bin < kHistogramBins; ++bin) counts += ", 2";
  const ReportFile file = WeightHistograms({{"w", at::arange(128).to(at::kFloat)}});
  EXPECT_NE(file.contents.find("\"counts\": [" + counts + "]"), std::string::npos);
}

TEST(WeightHistograms, SayHowManyTensorsDidNotFit) {
  const size_t count = 20000;
  const ReportFile file = WeightHistograms({count, {"w", at::zeros({1})}});
  EXPECT_LE(file.contents.size(), kMaxReportBytes);
  size_t described = 0;
  for (const char c : file.contents) described += c == '[' ? 1 : 0;
  --described;  // that of all tensors
  EXPECT_GT(described, count / 2);
  EXPECT_NE(file.contents.find("\"left_out\": " + std::to_string(count - described) + "}"), std::string::npos);
}

const Shape kTinyImages = {.channels = 1, .height = 1, .width = 2, .outputs = 2};
Normalization Halves() {
  Normalization normalization;
  normalization.mean = normalization.stddev = {0.5, 0.5, 0.5};
  normalization.classes = {"bag", "coat, long"};
  return normalization;
}

Batch BatchOf(const at::Tensor& inputs, const at::Tensor& targets) {
  Batch batch;
  batch.inputs = inputs;
  batch.targets = targets;
  return batch;
}

TEST(SampleInputs, DrawImagesSideBySide) {
  const Batch batch = BatchOf(Row({-1, 1, 0, kNan, 5, -5}).view({3, 1, 1, 2}), Labels({0, 1, 7}));
  const std::vector<ReportFile> files = SampleInputs(batch, 10, TaskKind::kClassification, kTinyImages, Halves());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "inputs.pgm");
  // Two rows of two cells of 3 x 2 pixels; \200 is grey, and so is the half-way pixel of the second image.
  EXPECT_EQ(files[0].contents, std::string("P5\n6 4\n255\n"
                                           "\000\377\200\200\000\200"
                                           "\200\200\200\200\200\200"
                                           "\377\000\200\200\200\200"
                                           "\200\200\200\200\200\200",
                                           11 + 24));
  EXPECT_EQ(files[1].name, "inputs.csv");
  EXPECT_EQ(files[1].contents, "input,target\n0,bag\n1,\"coat, long\"\n2,7\n");
}

TEST(SampleInputs, DrawThreeChannelsInColour) {
  const Shape shape = {.channels = 3, .height = 1, .width = 1, .outputs = 2};
  const Batch batch = BatchOf(Row({-1, 0, 1, 1, 1, 1}).view({2, 3, 1, 1}), Labels({0, 1}));
  const std::vector<ReportFile> files = SampleInputs(batch, 1, TaskKind::kClassification, shape, Halves());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "inputs.ppm");
  EXPECT_EQ(files[0].contents, std::string("P6\n2 2\n255\n"
                                           "\000\200\377\200\200\200"
                                           "\200\200\200\200\200\200",
                                           11 + 12));
  EXPECT_EQ(files[1].contents, "input,target\n0,bag\n");
}

TEST(SampleInputs, ShowAsManyImagesAsFit) {
  const Shape shape = {.channels = 1, .height = 1024, .width = 1024, .outputs = 2};
  const Batch batch = BatchOf(at::zeros({6, 1, 1024, 1024}), Labels({0, 0, 0, 0, 0, 0}));
  const std::vector<ReportFile> files = SampleInputs(batch, 6, TaskKind::kClassification, shape, Halves());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].contents.substr(0, 17), "P5\n2050 1025\n255\n");
  EXPECT_LE(files[0].contents.size(), kMaxReportBytes);
  EXPECT_EQ(files[1].contents, "input,target\n0,bag\n1,bag\n2,bag\n3,bag\n4,bag\n5,bag\n");

  const Shape huge = {.channels = 3, .height = 1, .width = 2000000, .outputs = 2};
  const Batch one = BatchOf(at::zeros({1, 3, 1, 2000000}), Labels({0}));
  EXPECT_EQ(SampleInputs(one, 1, TaskKind::kClassification, huge, Halves()).size(), 1U);
}

Normalization People() {
  Normalization normalization;
  normalization.mean = {10, 0};
  normalization.stddev = {2, 1};
  normalization.target_mean = {100};
  normalization.target_stddev = {50};
  normalization.columns = {"age", "height, m", "colour"};
  normalization.category_values = {{"red", "blue"}};
  return normalization;
}

TEST(SampleInputs, ShowTablesInTheUnitOfTheFile) {
  const at::Tensor targets = Row({0, -1}).view({2, 1});
  const Shape embedded = {.input = InputKind::kTable, .features = 2, .categories = {2}, .outputs = 1};
  const std::vector<ReportFile> files = SampleInputs(BatchOf(Row({1, 0.5, 1, -1, 2, 0}).view({2, 3}), targets), 2,
                                                     TaskKind::kRegression, embedded, People());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].contents,
            "input,age,\"height, m\",colour,target\n"
            "0,12,0.5,blue,100\n"
            "1,8,2,red,50\n");

  const Shape one_hot = {.input = InputKind::kTable, .features = 4, .outputs = 1};
  EXPECT_EQ(SampleInputs(BatchOf(Row({1, 0.5, 0, 1, -1, 2, 1, 0}).view({2, 4}), targets), 2, TaskKind::kRegression,
                         one_hot, People())[0]
                .contents,
            "input,age,\"height, m\",colour=red,colour=blue,target\n"
            "0,12,0.5,0,1,100\n"
            "1,8,2,1,0,50\n");
}

TEST(SampleInputs, ShowEveryKindOfTarget) {
  const at::Tensor inputs = at::zeros({2, 1, 1, 2});
  const at::Tensor numbers = Row({1, 2, 3, 4}).view({2, 2});
  const at::Tensor labels = Row({1, 1, 0, 0}).view({2, 2});
  struct Case {
    TaskKind task;
    Batch batch;
    const char* csv;
  };
  const Case cases[] = {
      {TaskKind::kRegression, BatchOf(inputs, numbers), "input,target_bag,\"target_coat, long\"\n0,1,2\n1,3,4\n"},
      {TaskKind::kMultiLabel, BatchOf(inputs, labels), "input,target\n0,\"bag|coat, long\"\n1,\n"},
      {TaskKind::kReconstruction, BatchOf(inputs, Labels({1, 0})), "input\n0\n1\n"},
      {TaskKind::kClassification,
       {.inputs = inputs, .targets = Labels({0, 0}), .other_targets = Labels({1, 0}), .mix = 0.75},
       "input,target,other_target,mix\n0,bag,\"coat, long\",0.75\n1,bag,bag,0.75\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(SampleInputs(c.batch, 2, c.task, kTinyImages, Halves()).back().contents, c.csv);
  }
}

}  // namespace
}  // namespace athanor::training
