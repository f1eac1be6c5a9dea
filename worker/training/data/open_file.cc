#include "worker/training/data/open_file.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "worker/training/errors.h"

namespace athanor::training {

void RequireRegularFile(const std::filesystem::path& path) {
  std::error_code failed;
  const std::filesystem::file_status status = std::filesystem::status(path, failed);
  // What is missing or may not be looked at is told by opening it.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw DataError(path.string() + ": is no regular file");
  }
}

std::ifstream OpenDataFile(const std::filesystem::path& path) {
  RequireRegularFile(path);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw DataError(path.string() + ": cannot open: " + std::strerror(errno));
  return in;
}

}  // namespace athanor::training
