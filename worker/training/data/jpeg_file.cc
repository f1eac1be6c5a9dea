// clang-format off
// libjpeg's headers do not include what they need, and the second needs the first.
#include <csetjmp>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <string>

#include "worker/training/data/image_file.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// Every block of 8 x 8 pixels takes at least one bit.
constexpr uint64_t kMaxPixelsAByte = 8 * 64;

// libjpeg jumps out of a call on an error, past every destructor between, so functions that call setjmp here hold
// nothing that has one.
struct Session {
  jpeg_error_mgr errors;  // first: libjpeg hands out a pointer to it
  std::jmp_buf jump;
  jpeg_decompress_struct jpeg = {};
  char error[JMSG_LENGTH_MAX] = "";

  ~Session() { jpeg_destroy_decompress(&jpeg); }
};

[[noreturn]] void OnError(j_common_ptr jpeg) {
  auto* session = reinterpret_cast<Session*>(jpeg->err);
  jpeg->err->format_message(jpeg, session->error);
  std::longjmp(session->jump, 1);
}

// libjpeg goes on with gray where data are missing; that is no image to learn from. Its other warnings are about what
// it can mend.
void OnMessage(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  const int code = jpeg->err->msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE) OnError(jpeg);
}

// False: session.error says why.
bool ReadHeader(Session& session, std::span<const uint8_t> file) {
  if (setjmp(session.jump) != 0) return false;
  jpeg_create_decompress(&session.jpeg);
  jpeg_mem_src(&session.jpeg, const_cast<uint8_t*>(file.data()), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&session.jpeg, TRUE);
  switch (session.jpeg.num_components) {
    case 1:
      session.jpeg.out_color_space = JCS_GRAYSCALE;
      break;
    case 3:
      session.jpeg.out_color_space = JCS_RGB;
      break;
    case 4:
      session.jpeg.out_color_space = JCS_CMYK;
      break;
    default:
      std::snprintf(session.error, sizeof(session.error),
                    "%d colours; want gray, red, green and blue, or those of print", session.jpeg.num_components);
      return false;
  }
  jpeg_calc_output_dimensions(&session.jpeg);
  return true;
}

bool ReadRows(Session& session, uint8_t* out, size_t row_bytes) {
  if (setjmp(session.jump) != 0) return false;
  jpeg_start_decompress(&session.jpeg);
  while (session.jpeg.output_scanline < session.jpeg.output_height) {
    JSAMPROW row = out + session.jpeg.output_scanline * row_bytes;
    jpeg_read_scanlines(&session.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&session.jpeg);
  return true;
}

// From cyan, magenta, yellow and black to red, green and blue, in place: light passes what ink does not hold back.
void MixInks(std::vector<uint8_t>& interleaved, bool inverted) {
  constexpr size_t kInks = 4, kColours = 3;
  const auto light = [inverted](uint8_t ink) { return inverted ? ink : 255 - ink; };
  for (size_t pixel = 0; pixel < interleaved.size() / kInks; ++pixel) {
    const uint8_t* inks = interleaved.data() + pixel * kInks;
    const int black = light(inks[kColours]);
    uint8_t* colours = interleaved.data() + pixel * kColours;
    for (size_t i = 0; i < kColours; ++i) colours[i] = static_cast<uint8_t>((light(inks[i]) * black + 127) / 255);
  }
  interleaved.resize(interleaved.size() / kInks * kColours);
}

}  // namespace

DecodedImage DecodeJpeg(std::span<const uint8_t> file) {
  Session session;
  session.jpeg.err = jpeg_std_error(&session.errors);
  session.errors.error_exit = OnError;
  session.errors.emit_message = OnMessage;
  if (!ReadHeader(session, file)) throw DataError(std::string("damaged JPEG: ") + session.error);
  DecodedImage image;
  image.size = {.channels = session.jpeg.out_color_components,
                .height = session.jpeg.output_height,
                .width = session.jpeg.output_width};
  const bool plausible = PlausibleImage(image.size.channels, image.size.height, image.size.width) &&
                         static_cast<uint64_t>(image.size.height * image.size.width) <= kMaxPixelsAByte * file.size();
  if (!plausible) {
    throw DataError("damaged JPEG: " + std::to_string(image.size.height) + " x " + std::to_string(image.size.width) +
                    " pixels in " + std::to_string(file.size()) + " bytes");
  }
  std::vector<uint8_t> interleaved(static_cast<size_t>(image.size.bytes()));
  if (!ReadRows(session, interleaved.data(), static_cast<size_t>(image.size.width * image.size.channels))) {
    throw DataError(std::string("damaged JPEG: ") + session.error);
  }
  if (session.jpeg.out_color_space == JCS_CMYK) {
    MixInks(interleaved, session.jpeg.saw_Adobe_marker != 0);  // Adobe's programs write them inverted
    image.size.channels = 3;
  }
  image.pixels = ToPlanes(interleaved, image.size);
  return image;
}

}  // namespace athanor::training
