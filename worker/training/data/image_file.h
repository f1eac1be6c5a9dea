// PNG and JPEG images, as 8-bit planes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "worker/training/data/image_part.h"

namespace athanor::training {

struct DecodedImage {
  ImageSize size;               // 1 channel (gray) or 3 (red, green, blue)
  std::vector<uint8_t> pixels;  // [C, H, W]
};

// Decodes a whole file, PNG or JPEG by its first bytes. 16 bits are rounded to 8, palettes looked up, transparency and
// an orientation in the file's metadata ignored. Throws DataError if it is neither, cut off, damaged or implausibly
// large, or of colours for print (CMYK); InfeasibleError if this program was built without the format's library. The
// message does not name the file. Any number of threads.
DecodedImage DecodeImage(std::span<const uint8_t> file);

// Reads and decodes one file; the errors name it.
DecodedImage ReadImage(const std::filesystem::path& path);

// The decoders by format, each where its library was found: png_file.cc by libpng, jpeg_file.cc by libjpeg.
DecodedImage DecodePng(std::span<const uint8_t> file);
DecodedImage DecodeJpeg(std::span<const uint8_t> file);

// [H, W, C] to [C, H, W].
std::vector<uint8_t> ToPlanes(std::span<const uint8_t> interleaved, const ImageSize& size);

}  // namespace athanor::training
