// Lines over a pair of file descriptors.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace athanor {

// Reads lines of at most kMaxLineBytes. Not thread-safe.
class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  // The next line without its newline, or nothing at the end of input (an unfinished last line is dropped: its writer
  // died). Blocks. Throws ProtocolError on a line that is too long, std::system_error if reading fails.
  std::optional<std::string> Read();

 private:
  int descriptor_;
  std::string buffer_;
  size_t searched_ = 0;  // buffer_ up to here holds no newline
};

// Thread-safe: lines are never interleaved.
class LineWriter {
 public:
  explicit LineWriter(int descriptor) : descriptor_(descriptor) {}

  // Writes the line and a newline. Blocks while the pipe is full: a reader that falls behind slows its writer down.
  // Returns false if the other end is gone or writing fails.
  bool Write(std::string_view line);

 private:
  Mutex mutex_;
  int descriptor_;
};

}  // namespace athanor
