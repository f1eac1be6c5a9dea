// The last lines of a child's log, for the reason of a failure.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace athanor::session {

// Memory is bounded by lines * line_bytes, whatever the child writes. Not thread-safe.
class LogTail {
 public:
  struct Options {
    size_t lines = 30;
    size_t line_bytes = 500;  // the rest of a longer line is dropped
  };
  explicit LogTail(const Options& options) : options_(options) {}

  // Any bytes; control characters but tab become '?'.
  void Append(std::string_view bytes);
  // Oldest line first, joined by '\n', an unfinished last line included. Valid UTF-8: what is not is replaced by
  // U+FFFD.
  std::string Text() const;
  void Clear();

 private:
  Options options_;
  std::deque<std::string> lines_;
  std::string unfinished_;
};

}  // namespace athanor::session
