#include "server/store/sqlite/file_check.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace athanor::sqlite {

namespace {

// The database header of SQLite's file format, section 1.3: https://www.sqlite.org/fileformat2.html
constexpr size_t kHeaderBytes = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr size_t kPageSizeAt = 16;           // 2 bytes; 1 stands for 65536
constexpr size_t kChangeCounterAt = 24;      // 4 bytes
constexpr size_t kPageCountAt = 28;          // 4 bytes; holds if the next equals the change counter
constexpr size_t kPageCountValidForAt = 92;  // 4 bytes

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// 0 if it does not exist.
uintmax_t SizeOf(const std::string& path) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

}  // namespace

absl::Status CheckFile(const std::string& path) {
  const std::string log = path + "-wal";
  const bool has_log = SizeOf(log) > 0;
  const uintmax_t bytes = SizeOf(path);
  if (bytes == 0) {
    if (SizeOf(path + kRestoringSuffix) > 0) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": is missing, and ", path, kRestoringSuffix,
                                                        " is there: a restore was interrupted; run it again"));
    }
    if (!has_log) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(path, ": is empty or missing, but its log ", log, " is not"));
  }
  std::array<char, kHeaderBytes> buffer{};
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::UnavailableError(absl::StrCat(path, ": cannot read: ", std::strerror(errno)));
  in.read(buffer.data(), buffer.size());
  const std::string_view header(buffer.data(), static_cast<size_t>(in.gcount()));
  if (header.size() < kHeaderBytes || !header.starts_with(kMagic)) {
    return absl::DataLossError(absl::StrCat(path, ": is not a database"));
  }
  // Pages of the log may lie past the end of the file, and a crash may have stopped their way into it.
  if (has_log || header.substr(kChangeCounterAt, 4) != header.substr(kPageCountValidForAt, 4)) return absl::OkStatus();
  const uint64_t stored_page_size = BigEndian(header.substr(kPageSizeAt, 2));
  const uint64_t page_size = stored_page_size == 1 ? 65536 : stored_page_size;
  const uint64_t expected = page_size * BigEndian(header.substr(kPageCountAt, 4));
  if (bytes < expected) {
    return absl::DataLossError(absl::StrCat(path, ": is truncated: ", bytes, " of ", expected, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace athanor::sqlite
