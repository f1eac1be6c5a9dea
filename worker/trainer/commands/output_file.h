// A file that a command leaves.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>

namespace athanor {

// Is written beside its place as PATH.partial and moved there when it is whole, so that nobody takes half a file for
// one. What is there and no file, a device or a pipe, is written to as it is. Throws std::runtime_error naming the file
// if it cannot be written. Not thread-safe.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  // Leaves what was there before, unless the file was committed.
  ~OutputFile();

  std::ostream& stream() { return out_; }
  void Commit();

 private:
  [[noreturn]] void Fail() const;

  std::filesystem::path path_;
  std::optional<std::filesystem::path> partial_;
  std::ofstream out_;
};

}  // namespace athanor
