#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/training/data/error_of.h"
#include "tests/worker/training/data/image_bytes.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/data/image_list.h"
#include "worker/training/data/source.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kSilent = [] {};

std::string GrayPng(uint32_t width, uint32_t height, char level) {
  return PngBytes(width, height, 8, PngColour::kGray, std::vector<std::string>(height, std::string(width, level)));
}

void Write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  WriteFile(path, bytes);
}

RawDataset Read(const DataOptions& options, int threads = 1) {
  return MakeImageFolderSource(options)->Read(threads, kSilent);
}

DataOptions OptionsFor(const TemporaryFolder& folder) {
  return {.kind = DatasetKind::kImageFolder, .data_dir = folder.path().string()};
}

// Levels of the images of a part, by class.
std::vector<std::pair<int64_t, int>> Levels(const RawDataset& raw, const RawPart& part) {
  std::vector<std::pair<int64_t, int>> levels;
  for (int64_t i = 0; i < part.count; ++i) {
    levels.emplace_back(part.classes[static_cast<size_t>(i)],
                        part.pixels[static_cast<size_t>(i * raw.channels * raw.height * raw.width)]);
  }
  std::ranges::sort(levels);
  return levels;
}

TEST(ImageFolderSource, NumbersClassesByNameAndPassesHiddenFilesOver) {
  const TemporaryFolder folder;
  Write(folder.path() / "dog" / "a.png", GrayPng(2, 1, 10));
  Write(folder.path() / "dog" / "deeper" / "b.png", GrayPng(2, 1, 20));
  Write(folder.path() / "dog" / ".thumbnails" / "c.png", "no image");
  Write(folder.path() / "cat" / "a.jpg", JpegBytes(2, 1, {30}));
  Write(folder.path() / "cat" / ".DS_Store", "no image");
  Write(folder.path() / ".git" / "config", "no image");
  Write(folder.path() / "README", "beside the classes");
  const RawDataset raw = Read(OptionsFor(folder));
  EXPECT_THAT(raw.classes, ElementsAre("cat", "dog"));
  EXPECT_EQ(raw.channels, 1);
  EXPECT_EQ(raw.height, 1);
  EXPECT_EQ(raw.width, 2);
  EXPECT_THAT(Levels(raw, raw.train), ElementsAre(std::pair(0, 30), std::pair(1, 10), std::pair(1, 20)));
  EXPECT_EQ(raw.validation.count, 0);
  EXPECT_EQ(raw.test.count, 0);
}

TEST(ImageFolderSource, TakesGivenPartsAndGrayAmongColourAsColour) {
  const TemporaryFolder folder;
  Write(folder.path() / "train" / "a" / "1.png", GrayPng(1, 1, 10));
  Write(folder.path() / "train" / "b" / "1.png", GrayPng(1, 1, 20));
  Write(folder.path() / "validation" / "b" / "1.png", GrayPng(1, 1, 30));
  Write(folder.path() / "test" / "a" / "1.png", PngBytes(1, 1, 8, PngColour::kRgb, {"\x01\x02\x03"}));
  const RawDataset raw = Read(OptionsFor(folder));
  EXPECT_EQ(raw.channels, 3);
  EXPECT_THAT(Levels(raw, raw.train), ElementsAre(std::pair(0, 10), std::pair(1, 20)));
  EXPECT_THAT(raw.validation.pixels, ElementsAre(30, 30, 30));
  EXPECT_THAT(raw.validation.classes, ElementsAre(1));
  EXPECT_THAT(raw.test.pixels, ElementsAre(1, 2, 3));
}

TEST(ImageFolderSource, DecodesAlikeOnAnyNumberOfThreadsAndResizes) {
  const TemporaryFolder folder;
  for (uint32_t i = 0; i < 40; ++i) {
    Write(folder.path() / (i % 2 == 0 ? "even" : "odd") / (std::to_string(i) + ".png"),
          GrayPng(3 + i % 5, 4, static_cast<char>(i)));
  }
  DataOptions options = OptionsFor(folder);
  options.img_size = 4;
  const RawDataset one = Read(options, 1), four = Read(options, 4);
  EXPECT_EQ(one.width, 4);
  EXPECT_EQ(one.train.count, 40);
  EXPECT_EQ(one.train.pixels, four.train.pixels);
  EXPECT_EQ(one.train.classes, four.train.classes);
  for (const auto& [label, level] : Levels(one, one.train)) EXPECT_EQ(label, level % 2) << "still its own class";
}

TEST(ImageFolderSource, TakesASliceOfAllClasses) {
  const TemporaryFolder folder;
  for (int i = 0; i < 30; ++i) {
    Write(folder.path() / "train" / (i < 15 ? "a" : "b") / (std::to_string(i) + ".png"), GrayPng(1, 1, 1));
  }
  Write(folder.path() / "test" / "a" / "1.png", GrayPng(1, 1, 1));
  DataOptions options = OptionsFor(folder);
  options.max_train_examples = 12;
  const RawDataset raw = Read(options);
  EXPECT_EQ(raw.train.count, 12);
  EXPECT_GE(std::ranges::count(raw.train.classes, 0), 2);
  EXPECT_GE(std::ranges::count(raw.train.classes, 1), 2);
}

TEST(ImageFolderSource, RefusesWhatIsNoSuchFolderNamingThePath) {
  struct Case {
    const char* path;
    std::string bytes;
    const char* expected;
  };
  const Case cases[] = {
      {"train/a/2.png", "hello", "train/a/2.png: neither PNG nor JPEG"},
      {"train/a/2.png", GrayPng(3, 2, 1), "give img_size"},
      {"train/empty/.hidden", "", "train/empty: no image in the folder of this class"},
      {"test/c/1.png", GrayPng(1, 1, 1), "test/c: the training part has no such class"},
      {"validation/.hidden", "", "validation: no folder of a class in it"},
  };
  for (const Case& c : cases) {
    const TemporaryFolder folder;
    Write(folder.path() / "train" / "a" / "1.png", GrayPng(1, 1, 1));
    Write(folder.path() / "train" / "b" / "1.png", GrayPng(1, 1, 1));
    Write(folder.path() / c.path, c.bytes);
    EXPECT_THAT(ErrorOf<DataError>([&] { Read(OptionsFor(folder)); }), HasSubstr(c.expected));
  }
  EXPECT_THAT(ErrorOf<InfeasibleError>([] { Read({.kind = DatasetKind::kImageFolder}); }),
              HasSubstr("dataset: image_folder needs data_dir"));
  EXPECT_THAT(ErrorOf<DataError>([] { Read({.kind = DatasetKind::kImageFolder, .data_dir = "/nonexistent"}); }),
              HasSubstr("/nonexistent: cannot read the folder: No such file"));
}

TEST(ReadImages, NamesTheFirstBadFileWhateverTheThreads) {
  const TemporaryFolder folder;
  std::vector<std::filesystem::path> files;
  for (int i = 0; i < 30; ++i) {
    files.push_back(folder.path() / std::to_string(i));
    Write(files.back(), i >= 7 ? "bad" : GrayPng(1, 1, 1));
  }
  for (const int threads : {1, 2, 8}) {
    EXPECT_THAT(ErrorOf<DataError>([&] { ReadImages(files, 0, 0, threads, kSilent); }),
                HasSubstr((folder.path() / "7").string() + ":"));
  }
}

TEST(StackImages, TurnsColourToGrayByLuminance) {
  std::vector<DecodedImage> images = {{.size = {3, 1, 2}, .pixels = {255, 0, 255, 100, 255, 0}},
                                      {.size = {1, 1, 2}, .pixels = {7, 8}}};
  EXPECT_THAT(StackImages(images, 1), ElementsAre(255, 59, 7, 8));  // 0.587 * 100 = 58.7
  EXPECT_THAT(images[0].pixels, IsEmpty());
}

}  // namespace
}  // namespace athanor::training
