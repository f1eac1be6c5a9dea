#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/training/data/error_of.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kSilent = [] {};
constexpr size_t kPlane = 32 * 32;

// A record of one red, one green and one blue level.
std::string Record(const std::string& labels, char red, char green, char blue) {
  return labels + std::string(kPlane, red) + std::string(kPlane, green) + std::string(kPlane, blue);
}

RawDataset Read(const DataOptions& options) { return MakeCifarSource(options)->Read(1, kSilent); }

DataOptions OptionsFor(DatasetKind kind, const TemporaryFolder& folder) {
  return {.kind = kind, .data_dir = folder.path().string()};
}

TEST(CifarSource, ReadsTheBatchesOfCifar10InTheirOrder) {
  const TemporaryFolder folder;
  WriteFile(folder.path() / "data_batch_2.bin", Record("\x09", 4, 5, 6));
  WriteFile(folder.path() / "data_batch_1.bin", Record(std::string(1, 0), 1, 2, 3) + Record("\1", 7, 8, 9));
  WriteFile(folder.path() / "test_batch.bin", Record("\2", 1, 1, 1));
  WriteFile(folder.path() / "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  const RawDataset raw = Read(OptionsFor(DatasetKind::kCifar10, folder));
  EXPECT_EQ(raw.channels, 3);
  EXPECT_EQ(raw.height, 32);
  EXPECT_EQ(raw.width, 32);
  EXPECT_THAT(raw.classes, ElementsAre("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"));
  EXPECT_THAT(raw.train.classes, ElementsAre(0, 1, 9));
  EXPECT_THAT(raw.test.classes, ElementsAre(2));
  ASSERT_EQ(raw.train.pixels.size(), 3 * 3 * kPlane);
  EXPECT_EQ(raw.train.pixels[0], 1);
  EXPECT_EQ(raw.train.pixels[kPlane], 2);
  EXPECT_EQ(raw.train.pixels[3 * kPlane - 1], 3);
  EXPECT_EQ(raw.train.pixels.back(), 6);
}

TEST(CifarSource, TakesTheFineLabelsOfCifar100) {
  const TemporaryFolder folder;
  WriteFile(folder.path() / "train.bin", Record("\x13\x63", 1, 2, 3) + Record("\1\5", 1, 2, 3));
  WriteFile(folder.path() / "test.bin", Record("\1\7", 1, 2, 3));
  const RawDataset raw = Read(OptionsFor(DatasetKind::kCifar100, folder));
  EXPECT_THAT(raw.train.classes, ElementsAre(99, 5));
  EXPECT_THAT(raw.test.classes, ElementsAre(7));
  ASSERT_EQ(raw.classes.size(), 100);
  EXPECT_EQ(raw.classes[42], "42") << "without a file of names";
}

TEST(CifarSource, SlicesAndResizes) {
  const TemporaryFolder folder;
  const std::string record = Record("\1", 50, 60, 70);
  WriteFile(folder.path() / "data_batch_1.bin", record + record);
  WriteFile(folder.path() / "data_batch_2.bin", record + record);
  WriteFile(folder.path() / "test_batch.bin", record + record);
  DataOptions options = OptionsFor(DatasetKind::kCifar10, folder);
  options.max_train_examples = 3;
  options.max_test_examples = 1;
  options.img_size = 2;
  const RawDataset raw = Read(options);
  EXPECT_EQ(raw.train.count, 3);
  EXPECT_EQ(raw.height, 2);
  EXPECT_THAT(raw.test.pixels, ElementsAre(50, 50, 50, 50, 60, 60, 60, 60, 70, 70, 70, 70));
}

TEST(CifarSource, RefusesBadFilesNamingThePlace) {
  const std::string record = Record("\1", 1, 2, 3);
  struct Case {
    const char* file;
    std::string bytes;
    const char* expected;
  };
  const Case cases[] = {
      {"data_batch_1.bin", record + record.substr(0, 100),
       "at byte 3073: truncated: a record has 3073 bytes, the last one has 100"},
      {"test_batch.bin", record + Record("\x0a", 1, 2, 3), "at byte 3073: label 10 is out of range; want less than 10"},
      {"test_batch.bin", "", "at byte 0: the file is empty"},
  };
  for (const Case& c : cases) {
    const TemporaryFolder folder;
    WriteFile(folder.path() / "data_batch_1.bin", record);
    WriteFile(folder.path() / "test_batch.bin", record);
    WriteFile(folder.path() / c.file, c.bytes);
    EXPECT_THAT(ErrorOf<DataError>([&] { Read(OptionsFor(DatasetKind::kCifar10, folder)); }),
                HasSubstr((folder.path() / c.file).string() + ": " + c.expected));
  }
  const TemporaryFolder empty;
  EXPECT_THAT(ErrorOf<DataError>([&] { Read(OptionsFor(DatasetKind::kCifar10, empty)); }),
              HasSubstr("no data_batch_*.bin"));
  EXPECT_THAT(ErrorOf<DataError>([&] { Read(OptionsFor(DatasetKind::kCifar100, empty)); }),
              HasSubstr("train.bin: cannot open: No such file"));
  EXPECT_THAT(ErrorOf<InfeasibleError>([] { Read({.kind = DatasetKind::kCifar100}); }),
              HasSubstr("dataset: cifar100 needs data_dir"));
}

}  // namespace
}  // namespace athanor::training
