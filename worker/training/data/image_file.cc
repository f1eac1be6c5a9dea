#include "worker/training/data/image_file.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "worker/training/data/open_file.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// More than any image has that PlausibleImage lets pass.
constexpr std::streamsize kMaxFileBytes = std::streamsize{1} << 29;
constexpr size_t kStartBytes = 8;
constexpr uint8_t kPngStart[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr uint8_t kJpegStart[] = {0xff, 0xd8, 0xff};

bool StartsWith(std::span<const uint8_t> file, std::span<const uint8_t> start) {
  return file.size() >= start.size() && std::ranges::equal(file.first(start.size()), start);
}

// The whole file, unless its first bytes already say that it is no image. What a folder holds by mistake may be larger
// than memory.
std::vector<char> ReadIfImage(const std::filesystem::path& path) {
  std::ifstream in = OpenDataFile(path);
  std::vector<char> bytes(kStartBytes);
  in.read(bytes.data(), kStartBytes);
  bytes.resize(static_cast<size_t>(in.gcount()));
  const std::span<const uint8_t> start(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (!StartsWith(start, kPngStart) && !StartsWith(start, kJpegStart)) return bytes;
  while (in && std::ssize(bytes) <= kMaxFileBytes) {
    const size_t read = bytes.size();
    bytes.resize(read + kReadBytes);
    in.read(bytes.data() + read, kReadBytes);
    bytes.resize(read + static_cast<size_t>(in.gcount()));
  }
  if (in.bad()) throw DataError(path.string() + ": cannot read");
  if (std::ssize(bytes) > kMaxFileBytes) {
    throw DataError(path.string() + ": larger than " + std::to_string(kMaxFileBytes >> 20) + " MiB");
  }
  return bytes;
}

}  // namespace

DecodedImage DecodeImage(std::span<const uint8_t> file) {
  if (StartsWith(file, kPngStart)) {
#ifdef ATHANOR_PNG
    return DecodePng(file);
#else
    throw InfeasibleError("a PNG image, and the trainer was built without libpng");
#endif
  }
  if (StartsWith(file, kJpegStart)) {
#ifdef ATHANOR_JPEG
    return DecodeJpeg(file);
#else
    throw InfeasibleError("a JPEG image, and the trainer was built without libjpeg");
#endif
  }
  throw DataError("neither PNG nor JPEG");
}

DecodedImage ReadImage(const std::filesystem::path& path) {
  const std::vector<char> bytes = ReadIfImage(path);
  try {
    return DecodeImage({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  } catch (const DataError& error) {
    throw DataError(path.string() + ": " + error.what());
  } catch (const InfeasibleError& error) {
    throw InfeasibleError(path.string() + ": " + error.what());
  }
}

std::vector<uint8_t> ToPlanes(std::span<const uint8_t> interleaved, const ImageSize& size) {
  std::vector<uint8_t> planes(interleaved.size());
  const auto channels = static_cast<size_t>(size.channels);
  const auto plane = static_cast<size_t>(size.height * size.width);
  for (size_t pixel = 0; pixel < plane; ++pixel) {
    for (size_t channel = 0; channel < channels; ++channel) {
      planes[channel * plane + pixel] = interleaved[pixel * channels + channel];
    }
  }
  return planes;
}

}  // namespace athanor::training
