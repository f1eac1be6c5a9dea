#include "worker/training/data/inputs.h"

#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/training/data/error_of.h"
#include "tests/worker/training/data/image_bytes.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

constexpr auto kSilent = [] {};

Shape ImageShape(int64_t channels) { return {.channels = channels, .height = 1, .width = 2, .outputs = 2}; }

// Standardised pixels are (pixel / 255 - 0.2) / 0.2: 0 gives -1, 51 gives 0, 102 gives 1.
Normalization ImageNormalization(size_t channels) {
  Normalization normalization;
  normalization.mean.assign(channels, 0.2);
  normalization.stddev.assign(channels, 0.2);
  return normalization;
}

std::vector<float> Batched(const Inputs& inputs) {
  const at::Tensor all = at::arange(inputs.dataset.test.count(), at::kLong);
  const at::Tensor flat = GatherBatch(inputs.dataset, inputs.dataset.test, all, at::kCPU).inputs.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

Inputs Read(const std::filesystem::path& path, int64_t channels) {
  return ReadInputs(path, ImageShape(channels), ImageNormalization(static_cast<size_t>(channels)), at::kCPU, 2,
                    kSilent);
}

std::string GrayPng(const std::string& pixels) {
  return PngBytes(static_cast<uint32_t>(pixels.size()), 1, 8, PngColour::kGray, {pixels});
}

TEST(ReadInputs, ReadsAFolderOfImagesByPath) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "deeper");
  WriteFile(folder.path() / "b.png", GrayPng(std::string("\0\x66", 2)));
  WriteFile(folder.path() / "a.png", PngBytes(1, 1, 8, PngColour::kRgb, {"\x33\x33\x33"}));
  WriteFile(folder.path() / "deeper" / "c.png", GrayPng("\x66\x66\x66\x66"));
  const Inputs gray = Read(folder.path(), 1);
  EXPECT_THAT(gray.names, ElementsAre("a.png", "b.png", "deeper/c.png"));
  EXPECT_THAT(Batched(gray), Pointwise(FloatNear(1e-5), {0, 0, -1, 1, 1, 1}));
  const Inputs colour = Read(folder.path(), 3);
  EXPECT_THAT(Batched(colour), Pointwise(FloatNear(1e-5), {0, 0, 0, 0, 0, 0, -1, 1, -1, 1, -1, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(ReadInputs, ReadsOneImage) {
  const TemporaryFolder folder;
  WriteFile(folder.path() / "x.png", GrayPng(std::string("\0\x33", 2)));
  const Inputs inputs = Read(folder.path() / "x.png", 1);
  EXPECT_THAT(inputs.names, ElementsAre("x.png"));
  EXPECT_THAT(Batched(inputs), Pointwise(FloatNear(1e-5), {-1, 0}));
}

TEST(ReadInputs, ReadsAnIdxFilePlainOrCompressed) {
  const TemporaryFolder folder;
  const std::string bytes = IdxBytes(8, {2, 1, 2}, std::string("\0\x33\x66\x66", 4));
  WriteFile(folder.path() / "plain", bytes);
  WriteGzip(folder.path() / "compressed", bytes);
  for (const char* name : {"plain", "compressed"}) {
    const Inputs inputs = Read(folder.path() / name, 1);
    EXPECT_THAT(inputs.names, ElementsAre("0", "1")) << name;
    EXPECT_THAT(Batched(inputs), Pointwise(FloatNear(1e-5), {-1, 0, 1, 1})) << name;
  }
}

TEST(ReadInputs, ReadsTheColumnsThatAModelKnowsByName) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "new.csv";
  WriteFile(path, "colour,other,x\nred,?,5\n\"green\",\"two\nlines\",1\nblue,!,3\n");
  Shape shape = {.input = InputKind::kTable, .features = 4, .outputs = 1};
  Normalization normalization;
  normalization.mean = {3};
  normalization.stddev = {2};
  normalization.columns = {"x", "colour"};
  normalization.category_values = {{"", "blue", "red"}};
  const Inputs one_hot = ReadInputs(path, shape, normalization, at::kCPU, 1, kSilent);
  EXPECT_THAT(one_hot.names, ElementsAre("2", "3", "5")) << "lines";
  EXPECT_THAT(Batched(one_hot), ElementsAre(1, 0, 0, 1, -1, 1, 0, 0, 0, 0, 1, 0));
  shape.features = 1;
  shape.categories = {3};
  EXPECT_THAT(Batched(ReadInputs(path, shape, normalization, at::kCPU, 1, kSilent)), ElementsAre(1, 2, -1, 0, 0, 1));

  WriteFile(path, "x\n1\n");
  EXPECT_THAT(ErrorOf<DataError>([&] { ReadInputs(path, shape, normalization, at::kCPU, 1, kSilent); }),
              HasSubstr("new.csv: line 1: no column colour"));
  WriteFile(path, "colour,x\nred,red\n");
  EXPECT_THAT(ErrorOf<DataError>([&] { ReadInputs(path, shape, normalization, at::kCPU, 1, kSilent); }),
              HasSubstr("new.csv: line 2: column x: 'red' in a column of numbers"));
}

TEST(ReadInputs, RefusesWhatItCannotRead) {
  const TemporaryFolder folder;
  EXPECT_THAT(ErrorOf<DataError>([&] { Read(folder.path(), 1); }), HasSubstr("no image in the folder"));
  EXPECT_THAT(ErrorOf<DataError>([&] { Read(folder.path() / "absent", 1); }), HasSubstr("absent: cannot open"));
  WriteFile(folder.path() / "text", "hello");
  EXPECT_THAT(ErrorOf<DataError>([&] { Read(folder.path() / "text", 1); }), HasSubstr("text: neither PNG nor JPEG"));
  WriteFile(folder.path() / "idx", IdxBytes(8, {2, 1, 2}, "abc"));
  EXPECT_THAT(ErrorOf<DataError>([&] { Read(folder.path() / "idx", 1); }), HasSubstr("idx: at byte 19: truncated"));
}

}  // namespace
}  // namespace athanor::training
