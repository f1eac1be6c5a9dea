#include "worker/training/data/idx_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "worker/training/data/open_file.h"
#include "worker/training/errors.h"

namespace athanor::training {

struct IdxReader::File {
  gzFile handle;
  ~File() { gzclose(handle); }
};

IdxReader::IdxReader(const std::filesystem::path& path, size_t expected_dimensions) : path_(path) {
  errno = 0;
  RequireRegularFile(path);
  gzFile handle = gzopen(path.c_str(), "rbe");
  if (handle == nullptr) {
    throw DataError(path.string() + ": cannot open: " + (errno != 0 ? std::strerror(errno) : "out of memory"));
  }
  file_.reset(new File{handle});
  gzbuffer(handle, 256 << 10);

  uint8_t magic[4];
  Read(magic, sizeof(magic));
  if (magic[0] != 0 || magic[1] != 0) Refuse("not an IDX file: it does not start with two zero bytes", 4);
  if (magic[2] != 0x08) {
    Refuse("IDX element type " + std::to_string(magic[2]) + "; want 8 (unsigned byte)", 2);
  }
  if (magic[3] != expected_dimensions) {
    Refuse(std::to_string(magic[3]) + " dimensions; want " + std::to_string(expected_dimensions), 1);
  }
  for (size_t i = 0; i < expected_dimensions; ++i) {
    uint8_t size[4];
    Read(size, sizeof(size));
    dimensions_.push_back(int64_t{size[0]} << 24 | int64_t{size[1]} << 16 | int64_t{size[2]} << 8 | int64_t{size[3]});
    if (dimensions_.back() == 0) Refuse("dimension " + std::to_string(i) + " is empty", 4);
  }
}

IdxReader::~IdxReader() = default;
IdxReader::IdxReader(IdxReader&&) noexcept = default;
IdxReader& IdxReader::operator=(IdxReader&&) noexcept = default;

size_t IdxReader::ReadSome(uint8_t* out, size_t bytes) {
  const auto piece = static_cast<unsigned>(std::min<size_t>(bytes, std::numeric_limits<int>::max()));
  const int got = gzread(file_->handle, out, piece);
  int error = Z_OK;
  const char* message = gzerror(file_->handle, &error);
  // A stream cut off in the middle is Z_BUF_ERROR only once nothing more comes: the bytes before the cut are delivered
  // first.
  if (got < 0 || (got == 0 && error != Z_OK && error != Z_STREAM_END)) {
    Refuse(error == Z_BUF_ERROR ? "the compressed file is truncated" : std::string("cannot read: ") + message);
  }
  offset_ += static_cast<size_t>(got);
  return static_cast<size_t>(got);
}

void IdxReader::Read(uint8_t* out, size_t bytes) {
  while (bytes > 0) {
    const size_t got = ReadSome(out, bytes);
    if (got == 0) Refuse("truncated: " + std::to_string(bytes) + " bytes more were promised by the header");
    out += got;
    bytes -= got;
  }
}

void IdxReader::ExpectEnd() {
  uint8_t extra;
  if (ReadSome(&extra, 1) != 0) Refuse("more data than the header promises", 1);
}

void IdxReader::Refuse(const std::string& what, size_t back) const {
  throw DataError(path_.string() + ": at byte " + std::to_string(offset_ - back) + ": " + what);
}

std::filesystem::path FindIdxFile(const std::filesystem::path& folder, const std::string& name) {
  const std::filesystem::path plain = folder / name;
  const std::filesystem::path compressed = folder / (name + ".gz");
  std::error_code ignored;
  if (std::filesystem::exists(plain, ignored)) return plain;
  if (std::filesystem::exists(compressed, ignored)) return compressed;
  throw DataError(plain.string() + ": no such file, with or without .gz");
}

}  // namespace athanor::training
