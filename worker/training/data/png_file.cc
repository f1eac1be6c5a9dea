#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

#include "worker/training/data/image_file.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// No pixel takes less than one bit, and deflate makes a bit of at most 1032.
constexpr uint64_t kMaxPixelsAByte = 8 * 1032;

// What libpng's callbacks work on. On an error libpng jumps out of the call to where setjmp was called last, past
// every destructor between, so functions that call setjmp here hold nothing that has one.
struct Session {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const uint8_t* next = nullptr;
  size_t left = 0;
  char error[160] = "";

  ~Session() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto* session = static_cast<Session*>(png_get_error_ptr(png));
  std::snprintf(session->error, sizeof(session->error), "%s", message);
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

void OnRead(png_structp png, png_bytep out, size_t bytes) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  if (bytes > session->left) png_error(png, "the file is truncated");
  std::memcpy(out, session->next, bytes);
  session->next += bytes;
  session->left -= bytes;
}

// Reads up to the image data and asks for 8 bits of gray or of red, green and blue. False: session.error says why.
bool ReadHeader(Session& session) {
  if (setjmp(png_jmpbuf(session.png)) != 0) return false;
  png_set_read_fn(session.png, &session, OnRead);
  png_read_info(session.png, session.info);
  png_set_scale_16(session.png);
  const png_byte colour = png_get_color_type(session.png, session.info);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(session.png);
  if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(session.png);
  png_set_strip_alpha(session.png);
  png_set_interlace_handling(session.png);
  png_read_update_info(session.png, session.info);
  return true;
}

bool ReadRows(Session& session, png_bytepp rows) {
  if (setjmp(png_jmpbuf(session.png)) != 0) return false;
  png_read_image(session.png, rows);
  png_read_end(session.png, nullptr);
  return true;
}

}  // namespace

DecodedImage DecodePng(std::span<const uint8_t> file) {
  Session session;
  session.next = file.data();
  session.left = file.size();
  session.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &session, OnError, OnWarning);
  if (session.png != nullptr) session.info = png_create_info_struct(session.png);
  if (session.info == nullptr) throw DataError("damaged PNG: libpng cannot start");
  if (!ReadHeader(session)) throw DataError(std::string("damaged PNG: ") + session.error);

  DecodedImage image;
  image.size = {.channels = png_get_channels(session.png, session.info),
                .height = png_get_image_height(session.png, session.info),
                .width = png_get_image_width(session.png, session.info)};
  const bool plausible = PlausibleImage(image.size.channels, image.size.height, image.size.width) &&
                         static_cast<uint64_t>(image.size.height * image.size.width) <= kMaxPixelsAByte * file.size();
  if (!plausible) {
    throw DataError("damaged PNG: " + std::to_string(image.size.height) + " x " + std::to_string(image.size.width) +
                    " pixels in " + std::to_string(file.size()) + " bytes");
  }
  const auto row_bytes = static_cast<size_t>(image.size.width * image.size.channels);
  if (png_get_rowbytes(session.png, session.info) != row_bytes) throw DataError("damaged PNG: rows of another length");
  std::vector<uint8_t> interleaved(static_cast<size_t>(image.size.bytes()));
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < image.size.height; ++y) {
    rows.push_back(interleaved.data() + static_cast<size_t>(y) * row_bytes);
  }
  if (!ReadRows(session, rows.data())) throw DataError(std::string("damaged PNG: ") + session.error);
  image.pixels = ToPlanes(interleaved, image.size);
  return image;
}

}  // namespace athanor::training
