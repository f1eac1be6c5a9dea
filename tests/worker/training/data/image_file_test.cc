#include "worker/training/data/image_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/training/data/error_of.h"
#include "tests/worker/training/data/image_bytes.h"
#include "tests/worker/training/test_data.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

DecodedImage Decode(const std::string& file) {
  return DecodeImage({reinterpret_cast<const uint8_t*>(file.data()), file.size()});
}

TEST(DecodeImage, BringsEveryKindOfPngToPlanesOfGrayOrColour) {
  struct Case {
    const char* what;
    std::string file;
    int64_t channels;
    std::vector<uint8_t> pixels;
  };
  const std::string entries = {'\x0a', '\x0b', '\x0c', '\x14', '\x15', '\x16'};
  const Case cases[] = {
      {"gray", PngBytes(2, 1, 8, PngColour::kGray, {"\x05\x7f"}), 1, {5, 127}},
      {"black and white", PngBytes(3, 1, 1, PngColour::kGray, {"\xa0"}), 1, {255, 0, 255}},
      {"16 bits", PngBytes(2, 1, 16, PngColour::kGray, {std::string("\xff\xff\x80\x00", 4)}), 1, {255, 128}},
      {"gray and alpha", PngBytes(2, 1, 8, PngColour::kGrayAlpha, {std::string("\x05\x00\x7f\xff", 4)}), 1, {5, 127}},
      {"colour", PngBytes(1, 2, 8, PngColour::kRgb, {"\x01\x02\x03", "\x04\x05\x06"}), 3, {1, 4, 2, 5, 3, 6}},
      {"colour and alpha", PngBytes(1, 1, 8, PngColour::kRgba, {std::string("\x01\x02\x03\x00", 4)}), 3, {1, 2, 3}},
      {"palette",
       PngBytes(2, 1, 8, PngColour::kPalette, {std::string("\1\0", 2)}, entries),
       3,
       {20, 10, 21, 11, 22, 12}},
  };
  for (const Case& c : cases) {
    const DecodedImage image = Decode(c.file);
    EXPECT_EQ(image.size.channels, c.channels) << c.what;
    EXPECT_EQ(image.size.bytes(), std::ssize(c.pixels)) << c.what;
    EXPECT_EQ(image.pixels, c.pixels) << c.what;
  }
}

TEST(DecodeImage, DecodesJpeg) {
  const DecodedImage gray = Decode(JpegBytes(9, 5, {100}));
  EXPECT_EQ(gray.size, (ImageSize{.channels = 1, .height = 5, .width = 9}));
  EXPECT_THAT(gray.pixels, Each(100));
  const DecodedImage colour = Decode(JpegBytes(8, 8, {200, 100, 50}));
  EXPECT_EQ(colour.size, (ImageSize{.channels = 3, .height = 8, .width = 8}));
  EXPECT_NEAR(colour.pixels[0], 200, 2);
  EXPECT_NEAR(colour.pixels[64], 100, 2);
  EXPECT_NEAR(colour.pixels[128], 50, 2);
  // For print: libjpeg marks it as Adobe's, so 255 is no ink, and 51 lets a fifth of the light pass.
  const DecodedImage print = Decode(JpegBytes(8, 8, {200, 100, 255, 51}));
  EXPECT_EQ(print.size, (ImageSize{.channels = 3, .height = 8, .width = 8}));
  EXPECT_NEAR(print.pixels[0], 40, 2);
  EXPECT_NEAR(print.pixels[64], 20, 2);
  EXPECT_NEAR(print.pixels[128], 51, 2);
}

TEST(DecodeImage, RefusesWhatIsNoWholeImage) {
  const std::string png = PngBytes(2, 2, 8, PngColour::kGray, {"ab", "cd"});
  const std::string jpeg = JpegBytes(64, 64, {10, 200, 30});
  std::string flipped = png;
  flipped[png.size() - 20] ^= 1;  // in the image's data
  const std::string huge = "\x89PNG\r\n\x1a\n" +
                           PngChunk("IHDR", BigEndian(900000) + BigEndian(900000) + std::string("\x08\0\0\0\0", 5)) +
                           PngChunk("IDAT", "x") + PngChunk("IEND", "");
  struct Case {
    const char* what;
    std::string file;
    const char* expected;
  };
  const Case cases[] = {
      {"empty", "", "neither PNG nor JPEG"},
      {"text", "hello", "neither PNG nor JPEG"},
      {"only a PNG's start", png.substr(0, 8), "damaged PNG: the file is truncated"},
      {"PNG cut off", png.substr(0, png.size() - 16), "damaged PNG: the file is truncated"},
      {"PNG with a flipped bit", flipped, "damaged PNG: "},
      {"PNG larger than its file can be", huge, "900000 x 900000 pixels"},
      {"JPEG cut off", jpeg.substr(0, jpeg.size() / 2), "damaged JPEG: "},
      {"only a JPEG's start", jpeg.substr(0, 4), "damaged JPEG: "},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ErrorOf<DataError>([&] { Decode(c.file); }), HasSubstr(c.expected)) << c.what;
  }
}

TEST(ReadImage, NamesTheFile) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "x.png";
  EXPECT_THAT(ErrorOf<DataError>([&] { ReadImage(path); }), HasSubstr(path.string() + ": cannot open: No such file"));
  WriteFile(path, "no image");
  EXPECT_EQ(ErrorOf<DataError>([&] { ReadImage(path); }), path.string() + ": neither PNG nor JPEG");
}

TEST(ReadImage, DoesNotReadWhatIsTooLargeForMemory) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "x.png";
  constexpr uintmax_t kHuge = uintmax_t{1} << 40;  // no blocks are written
  WriteFile(path, "PK");
  std::filesystem::resize_file(path, kHuge);
  EXPECT_EQ(ErrorOf<DataError>([&] { ReadImage(path); }), path.string() + ": neither PNG nor JPEG");
  WriteFile(path, "\x89PNG\r\n\x1a\n");
  std::filesystem::resize_file(path, kHuge);
  EXPECT_EQ(ErrorOf<DataError>([&] { ReadImage(path); }), path.string() + ": larger than 512 MiB");
}

}  // namespace
}  // namespace athanor::training
