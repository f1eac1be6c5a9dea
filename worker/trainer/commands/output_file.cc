#include "worker/trainer/commands/output_file.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace athanor {

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)), partial_(path_.string() + ".partial"), out_(partial_, std::ios::binary) {
  if (!out_) Fail();
}

OutputFile::~OutputFile() {
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);  // not there once it was moved
}

void OutputFile::Commit() {
  out_.close();
  if (!out_) Fail();
  std::error_code failed;
  std::filesystem::rename(partial_, path_, failed);
  if (failed) throw std::runtime_error(path_.string() + ": cannot be written: " + failed.message());
}

void OutputFile::Fail() const {
  throw std::runtime_error(path_.string() + ": cannot be written: " + std::strerror(errno));
}

}  // namespace athanor
