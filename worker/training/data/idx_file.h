// Reads IDX files (the format of MNIST, http://yann.lecun.com/exdb/mnist) of unsigned bytes, gzip or plain.
//
// Layout: two zero bytes, the element type (0x08: unsigned byte), the number of dimensions, one big-endian 32-bit size
// a dimension, then the elements, the last dimension fastest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace athanor::training {

// A forward reader over one file. Offsets in messages count decompressed bytes from the start of the file. Not
// thread-safe.
class IdxReader {
 public:
  // Opens the file and reads its header. Throws DataError if it cannot be opened, is not IDX, does not hold unsigned
  // bytes or does not have `expected_dimensions` dimensions.
  IdxReader(const std::filesystem::path& path, size_t expected_dimensions);
  ~IdxReader();
  IdxReader(IdxReader&&) noexcept;
  IdxReader& operator=(IdxReader&&) noexcept;

  // Sizes as in the header, slowest first; the first is the number of items.
  const std::vector<int64_t>& dimensions() const { return dimensions_; }

  // Reads exactly `bytes` further elements. Throws DataError naming the offset if the file ends before or its
  // compression is damaged.
  void Read(uint8_t* out, size_t bytes);
  // Throws DataError if the file goes on past what its header promised.
  void ExpectEnd();

  // Throws DataError with the file's name, what is wrong, and the present offset less `back`.
  [[noreturn]] void Refuse(const std::string& what, size_t back = 0) const;

 private:
  struct File;
  size_t ReadSome(uint8_t* out, size_t bytes);

  std::filesystem::path path_;
  std::unique_ptr<File> file_;
  std::vector<int64_t> dimensions_;
  size_t offset_ = 0;
};

// `folder`/`name` or `folder`/`name`.gz, whichever exists (the plain one first). Throws DataError naming both if
// neither does.
std::filesystem::path FindIdxFile(const std::filesystem::path& folder, const std::string& name);

}  // namespace athanor::training
