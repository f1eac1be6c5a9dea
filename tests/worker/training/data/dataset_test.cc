#include "worker/training/data/dataset.h"

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/training/test_data.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

constexpr auto kSilent = [] {};

DataOptions OptionsFor(const TemporaryFolder& folder) {
  return {.kind = DatasetKind::kIdx, .data_dir = folder.path().string(), .validation_fraction = 0.25};
}

template <typename Error>
std::string ErrorOf(const DataOptions& options) {
  try {
    DatasetCache().Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(DatasetCache, LoadsSplitsAndMeasures) {
  const TemporaryFolder folder;
  // Four images of 1 x 2 pixels; labels 0 to 2.
  WriteFile(folder.path() / "train-images-idx3-ubyte",
            IdxBytes(8, {4, 1, 2}, std::string("\0\xff\0\xff\0\xff\0\xff", 8)));
  WriteFile(folder.path() / "train-labels-idx1-ubyte", IdxBytes(8, {4}, std::string("\0\1\2\0", 4)));
  WriteFile(folder.path() / "t10k-images-idx3-ubyte", IdxBytes(8, {1, 1, 2}, "ab"));
  WriteFile(folder.path() / "t10k-labels-idx1-ubyte", IdxBytes(8, {1}, std::string("\2", 1)));
  const auto dataset = DatasetCache().Get(OptionsFor(folder), TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_EQ(dataset->training_part.count(), 4);
  EXPECT_EQ(dataset->test.count(), 1);
  EXPECT_EQ(dataset->train_indices.size(0), 3);
  EXPECT_EQ(dataset->validation_indices.size(0), 1);
  EXPECT_EQ(dataset->shape.height, 1);
  EXPECT_EQ(dataset->shape.width, 2);
  EXPECT_EQ(dataset->shape.outputs, 3);
  EXPECT_DOUBLE_EQ(dataset->normalization.mean.at(0), 0.5);  // half the pixels are 0, half 255
  EXPECT_DOUBLE_EQ(dataset->normalization.stddev.at(0), 0.5);

  const Batch batch = GatherBatch(*dataset, dataset->training_part, at::tensor({2, 1}, at::kLong), at::kCPU);
  EXPECT_EQ(batch.inputs.sizes(), (std::vector<int64_t>{2, 1, 1, 2}));
  EXPECT_FLOAT_EQ(batch.inputs[0][0][0][0].item<float>(), -1);  // (0 - 0.5) / 0.5
  EXPECT_FLOAT_EQ(batch.inputs[0][0][0][1].item<float>(), 1);
  EXPECT_EQ(batch.targets[0].item<int64_t>(), 2);
  EXPECT_EQ(batch.targets[1].item<int64_t>(), 1);
}

TEST(DatasetCache, ReadsCompressedFilesAndSlicesAlike) {
  const TemporaryFolder plain, compressed;
  WriteDataset(plain.path(), 40, 10);
  for (const auto& entry : std::filesystem::directory_iterator(plain.path())) {
    WriteGzip(compressed.path() / (entry.path().filename().string() + ".gz"), ReadFile(entry.path()));
  }
  DataOptions options = OptionsFor(plain);
  options.max_train_examples = 20;
  options.max_test_examples = 5;
  const auto expected = DatasetCache().Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_EQ(expected->training_part.count(), 20);
  EXPECT_EQ(expected->test.count(), 5);
  EXPECT_EQ(expected->shape.outputs, 4) << "counted over the whole file";
  options.data_dir = compressed.path().string();
  const auto actual = DatasetCache().Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_TRUE(actual->training_part.inputs.equal(expected->training_part.inputs));
  EXPECT_EQ(actual->hash, expected->hash);
}

TEST(DatasetCache, KeepsTheLastDataSet) {
  const TemporaryFolder folder;
  WriteDataset(folder.path(), 40, 10);
  DatasetCache cache;
  int heartbeats = 0;
  const auto count = [&] { ++heartbeats; };
  DataOptions options = OptionsFor(folder);
  const auto first = cache.Get(options, TaskKind::kClassification, at::kCPU, 1, count);
  EXPECT_GT(heartbeats, 0);
  heartbeats = 0;
  EXPECT_EQ(cache.Get(options, TaskKind::kClassification, at::kCPU, 1, count), first);

  options.split_seed = 5;
  const auto other = cache.Get(options, TaskKind::kClassification, at::kCPU, 1, count);
  EXPECT_EQ(heartbeats, 0) << "another split needs no decoding";
  EXPECT_FALSE(other->train_indices.equal(first->train_indices));
  EXPECT_NE(other->hash, first->hash);
}

TEST(DatasetCache, NoticesAChangedFile) {
  const TemporaryFolder folder;
  WriteDataset(folder.path(), 40, 10);
  DatasetCache cache;
  const std::string before = cache.Get(OptionsFor(folder), TaskKind::kClassification, at::kCPU, 1, kSilent)->hash;
  WriteExamples(folder.path(), "train", 60, 12, 9);
  const auto after = cache.Get(OptionsFor(folder), TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_EQ(after->training_part.count(), 60);
  EXPECT_NE(after->hash, before);
}

TEST(DatasetCache, ResizesOnceAtLoading) {
  const TemporaryFolder folder;
  WriteDataset(folder.path(), 40, 10);
  DatasetCache cache;
  DataOptions options = OptionsFor(folder);
  const std::string before = cache.Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent)->hash;
  options.img_size = 6;
  const auto dataset = cache.Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_EQ(dataset->training_part.inputs.sizes(), (std::vector<int64_t>{40, 1, 6, 6}));
  EXPECT_EQ(dataset->test.inputs.sizes(), (std::vector<int64_t>{10, 1, 6, 6}));
  EXPECT_EQ(dataset->shape.height, 6);
  EXPECT_NE(dataset->hash, before);
}

TEST(DatasetCache, ReadsATableAnewForAnotherTaskAndWhenAPartIsAdded) {
  const TemporaryFolder folder;
  WriteFile(folder.path() / "train.csv", "x,y\n1,0\n2,1\n3,1\n4,0\n5,1\n6,0\n");
  const DataOptions options = {
      .kind = DatasetKind::kCsv, .data_dir = folder.path().string(), .target = "y", .test_fraction = 0.34};
  DatasetCache cache;
  const auto numbers = cache.Get(options, TaskKind::kRegression, at::kCPU, 1, kSilent);
  EXPECT_EQ(numbers->test.count(), 2);
  EXPECT_EQ(numbers->training_part.targets.scalar_type(), at::kFloat);
  const auto classes = cache.Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_EQ(classes->training_part.targets.scalar_type(), at::kLong);
  EXPECT_EQ(classes->shape.outputs, 2);
  WriteFile(folder.path() / "test.csv", "x,y\n9,1\n");
  const auto given = cache.Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_EQ(given->test.count(), 1);
  EXPECT_EQ(given->training_part.count(), 6);
}

TEST(DatasetCache, MakesEverySyntheticDataSetFromTheSplitSeed) {
  struct Case {
    DatasetKind kind;
    TaskKind task;
    int64_t outputs;
  };
  for (const Case& c : {Case{DatasetKind::kSyntheticImages, TaskKind::kClassification, 12},
                        Case{DatasetKind::kSyntheticFaces, TaskKind::kRegression, 10},
                        Case{DatasetKind::kSyntheticTable, TaskKind::kMultiLabel, 2}}) {
    DataOptions options = {.kind = c.kind, .max_train_examples = 50, .max_test_examples = 20, .img_size = 8};
    DatasetCache cache;
    const auto first = cache.Get(options, c.task, at::kCPU, 1, kSilent);
    EXPECT_EQ(first->shape.outputs, c.outputs);
    EXPECT_EQ(first->training_part.count(), 50);
    EXPECT_EQ(first->train_indices.size(0), 45);
    EXPECT_EQ(first->test.count(), 20);
    options.split_seed = 1;
    const auto other = cache.Get(options, c.task, at::kCPU, 1, kSilent);
    EXPECT_FALSE(other->training_part.inputs.equal(first->training_part.inputs));
    options.split_seed = 0;
    EXPECT_EQ(cache.Get(options, c.task, at::kCPU, 1, kSilent)->hash, first->hash);
  }
}

TEST(DatasetCache, RefusesBadFilesNamingThem) {
  struct Case {
    const char* file;
    std::string bytes;
    const char* expected;
  };
  const Case cases[] = {
      {"train-images-idx3-ubyte", IdxBytes(8, {3, 1, 1}, "abc"), "has 3 images, but"},
      {"train-labels-idx1-ubyte", IdxBytes(8, {4}, std::string("\0\1\1", 3)), "truncated"},
      {"train-images-idx3-ubyte", IdxBytes(8, {4, 1, 1}, "abcde"), "more data than the header promises"},
      {"t10k-images-idx3-ubyte", IdxBytes(8, {2, 1, 2}, "abcd"), "another size"},
      {"t10k-labels-idx1-ubyte", IdxBytes(8, {2}, std::string("\0\7", 2)),
       "at byte 9: label 7 is out of range; want less than 2"},
      {"train-images-idx3-ubyte", IdxBytes(8, {4, 0xffffffff, 0xffffffff}, ""),
       "images of 4294967295 x 4294967295 pixels"},
  };
  for (const Case& c : cases) {
    const TemporaryFolder folder;
    WriteFile(folder.path() / "train-images-idx3-ubyte", IdxBytes(8, {4, 1, 1}, "abcd"));
    WriteFile(folder.path() / "train-labels-idx1-ubyte", IdxBytes(8, {4}, std::string("\0\1\1\0", 4)));
    WriteFile(folder.path() / "t10k-images-idx3-ubyte", IdxBytes(8, {2, 1, 1}, "ab"));
    WriteFile(folder.path() / "t10k-labels-idx1-ubyte", IdxBytes(8, {2}, std::string("\0\1", 2)));
    WriteFile(folder.path() / c.file, c.bytes);
    const std::string error = ErrorOf<DataError>(OptionsFor(folder));
    EXPECT_THAT(error, HasSubstr(c.expected));
    EXPECT_THAT(error, HasSubstr((folder.path() / c.file).string()));
  }
}

TEST(DatasetCache, RefusesIdxWithoutAFolder) {
  EXPECT_THAT(ErrorOf<InfeasibleError>({.kind = DatasetKind::kIdx}), HasSubstr("dataset: idx needs data_dir"));
}

TEST(DatasetCache, FindsFashionMnist) {
  const DataOptions options = {.max_train_examples = 1000, .max_test_examples = 100};
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const auto dataset = DatasetCache().Get(options, TaskKind::kClassification, at::kCPU, 1, kSilent);
  EXPECT_EQ(dataset->shape.height, 28);
  EXPECT_EQ(dataset->shape.outputs, 10);
  EXPECT_EQ(dataset->train_indices.size(0), 900);
}

}  // namespace
}  // namespace athanor::training
