#include "worker/session/log_buffer.h"

#include <algorithm>
#include <utility>

namespace athanor::session {

void LogBuffer::Append(std::string_view bytes) {
  if (tail_.empty()) {
    const std::string_view fits = bytes.substr(0, part_bytes_ - head_.size());
    head_.append(fits);
    bytes.remove_prefix(fits.size());
    tail_offset_ = head_end();
  }
  // Of a piece larger than the tail only the end will stay: the rest need not be copied.
  if (bytes.size() > part_bytes_) {
    const size_t skipped = bytes.size() - part_bytes_;
    tail_offset_ += static_cast<int64_t>(tail_.size() + skipped);
    tail_.clear();
    bytes.remove_prefix(skipped);
  }
  tail_.append(bytes);
  if (tail_.size() > 2 * part_bytes_) TrimTail();
}

void LogBuffer::TrimTail() {
  size_t cut = tail_.size() - part_bytes_;
  const size_t line = tail_.find('\n', cut);
  if (line != std::string::npos && line + 1 < tail_.size()) cut = line + 1;
  tail_.erase(0, cut);
  tail_offset_ += static_cast<int64_t>(cut);
}

void LogBuffer::Acknowledge(int64_t next_offset) {
  const int64_t known = std::clamp(next_offset, head_offset_, head_end());
  head_.erase(0, static_cast<size_t>(known - head_offset_));
  head_offset_ = known;
  if (!head_.empty() || tail_.empty()) return;
  if (tail_.size() > part_bytes_) TrimTail();
  head_ = std::exchange(tail_, {});
  head_offset_ = tail_offset_;
}

}  // namespace athanor::session
