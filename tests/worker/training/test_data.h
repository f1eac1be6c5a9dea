// Data sets small enough for tests: IDX files written to a folder of the test's own.
#pragma once

#include <stdlib.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"

namespace athanor::training {

// A fresh folder, removed with its contents at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "athanor-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot create " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string IdxBytes(uint8_t type, const std::vector<uint32_t>& dimensions, const std::string& elements) {
  std::string bytes = {'\0', '\0', static_cast<char>(type), static_cast<char>(dimensions.size())};
  for (const uint32_t size : dimensions) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes + elements;
}

inline void WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline void WriteGzip(const std::filesystem::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// `count` images of `side` x `side` in four classes: the quarter of the image that is bright says which, under noise.
inline void WriteExamples(const std::filesystem::path& folder, const std::string& prefix, uint32_t count, uint32_t side,
                          uint64_t seed) {
  Random random({seed, count});
  std::string images, labels;
  for (uint32_t i = 0; i < count; ++i) {
    const auto label = static_cast<uint32_t>(random.Below(4));
    labels += static_cast<char>(label);
    for (uint32_t y = 0; y < side; ++y) {
      for (uint32_t x = 0; x < side; ++x) {
        const bool bright = label == 2 * (2 * y / side) + 2 * x / side;
        images += static_cast<char>(random.Below(bright ? 256 : 160));
      }
    }
  }
  WriteFile(folder / (prefix + "-images-idx3-ubyte"), IdxBytes(8, {count, side, side}, images));
  WriteFile(folder / (prefix + "-labels-idx1-ubyte"), IdxBytes(8, {count}, labels));
}

// A whole data set: `train` examples to split and `test` ones.
inline void WriteDataset(const std::filesystem::path& folder, uint32_t train, uint32_t test, uint32_t side = 12) {
  WriteExamples(folder, "train", train, side, 1);
  WriteExamples(folder, "t10k", test, side, 2);
}

}  // namespace athanor::training
