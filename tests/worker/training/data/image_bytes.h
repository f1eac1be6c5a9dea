// PNG and JPEG files made by hand.
#pragma once

// clang-format off
// libjpeg's header does not include what it needs.
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace athanor::training {

inline std::string BigEndian(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

inline std::string PngChunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const auto* bytes = reinterpret_cast<const Bytef*>(checked.data());
  return BigEndian(static_cast<uint32_t>(data.size())) + checked +
         BigEndian(static_cast<uint32_t>(crc32(0, bytes, static_cast<uInt>(checked.size()))));
}

enum class PngColour : char { kGray = 0, kRgb = 2, kPalette = 3, kGrayAlpha = 4, kRgba = 6 };

// `rows`: the bytes of each row, without the filter byte. `palette`: three bytes an entry.
inline std::string PngBytes(uint32_t width, uint32_t height, int bits, PngColour colour,
                            const std::vector<std::string>& rows, const std::string& palette = "") {
  std::string raw;
  for (const std::string& row : rows) raw += std::string(1, '\0') + row;
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string packed(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
               static_cast<uLong>(raw.size())) != Z_OK) {
    std::abort();
  }
  packed.resize(size);
  const std::string header =
      BigEndian(width) + BigEndian(height) + static_cast<char>(bits) + static_cast<char>(colour) + std::string(3, '\0');
  return "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", header) + (palette.empty() ? "" : PngChunk("PLTE", palette)) +
         PngChunk("IDAT", packed) + PngChunk("IEND", "");
}

// An image of one colour: 1 (gray), 3 (red, green, blue) or 4 (for print) components.
inline std::string JpegBytes(uint32_t width, uint32_t height, const std::vector<uint8_t>& colour) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = width;
  jpeg.image_height = height;
  jpeg.input_components = static_cast<int>(colour.size());
  jpeg.in_color_space = colour.size() == 1 ? JCS_GRAYSCALE : colour.size() == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<uint8_t> row;
  for (uint32_t x = 0; x < width; ++x) row.insert(row.end(), colour.begin(), colour.end());
  for (uint32_t y = 0; y < height; ++y) {
    JSAMPROW rows[] = {row.data()};
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  const std::string written(reinterpret_cast<char*>(bytes), size);
  jpeg_destroy_compress(&jpeg);
  std::free(bytes);
  return written;
}

}  // namespace athanor::training
