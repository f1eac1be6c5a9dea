#include "worker/session/log_tail.h"

#include <nlohmann/json.hpp>

namespace athanor::session {
namespace {

// Writing and reading it as JSON replaces what is not UTF-8, a character cut by `line_bytes` included.
std::string ToUtf8(const std::string& text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

}  // namespace

void LogTail::Append(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      lines_.push_back(std::move(unfinished_));
      unfinished_.clear();
      if (lines_.size() > options_.lines) lines_.pop_front();
    } else if (unfinished_.size() < options_.line_bytes) {
      const auto code = static_cast<unsigned char>(c);
      unfinished_ += (code < 0x20 && c != '\t') || code == 0x7f ? '?' : c;
    }
  }
}

std::string LogTail::Text() const {
  std::string text;
  for (const std::string& line : lines_) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  if (!unfinished_.empty()) {
    if (!text.empty()) text += '\n';
    text += unfinished_;
  }
  return ToUtf8(text);
}

void LogTail::Clear() {
  lines_.clear();
  unfinished_.clear();
}

}  // namespace athanor::session
