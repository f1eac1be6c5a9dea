#include "worker/trainer/commands/output_file.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace athanor {

OutputFile::OutputFile(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path_, ignored);
  const bool replaceable = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status) ||
                           std::filesystem::is_directory(status);  // which Commit finds in its way
  if (replaceable) partial_ = path_.string() + ".partial";
  out_.open(replaceable ? *partial_ : path_, std::ios::binary);
  if (!out_) Fail();
}

OutputFile::~OutputFile() {
  std::error_code ignored;
  if (partial_) std::filesystem::remove(*partial_, ignored);  // not there once it was moved
}

void OutputFile::Commit() {
  out_.close();
  if (!out_) Fail();
  if (!partial_) return;
  std::error_code failed;
  std::filesystem::rename(*partial_, path_, failed);
  if (failed) throw std::runtime_error(path_.string() + ": cannot be written: " + failed.message());
}

void OutputFile::Fail() const {
  throw std::runtime_error(path_.string() + ": cannot be written: " + std::strerror(errno));
}

}  // namespace athanor
