// What a trainer printed and the coordinator does not have yet: the beginning and the end of it, of bounded size.
//
// Bytes are counted from the start of the attempt, so that what is missing in the middle shows as an offset that jumps
// ahead. Pure: no clock, no I/O, no thread. Append costs a copy of what it keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace athanor::session {

class LogBuffer {
 public:
  // Holds the oldest `part_bytes` and the newest `part_bytes` to twice as many.
  explicit LogBuffer(size_t part_bytes) : part_bytes_(part_bytes) {}

  void Append(std::string_view bytes);

  bool empty() const { return head_.empty() && tail_.empty(); }
  // The oldest bytes, at most `part_bytes` of them, and where they begin. They stay until they are acknowledged.
  const std::string& front() const { return head_; }
  int64_t front_offset() const { return head_offset_; }
  // The coordinator knows everything before `next_offset`, or has no use for it.
  void Acknowledge(int64_t next_offset);

 private:
  int64_t head_end() const { return head_offset_ + static_cast<int64_t>(head_.size()); }
  // Drops the oldest of the tail until `part_bytes_` are left, at a line's beginning if there is one.
  void TrimTail();

  const size_t part_bytes_;
  int64_t head_offset_ = 0;
  std::string head_;
  int64_t tail_offset_ = 0;
  std::string tail_;  // empty unless the head is full
};

}  // namespace athanor::session
