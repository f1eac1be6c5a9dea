// What happens next in virtual time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <tuple>
#include <vector>

#include "base/clock.h"

namespace athanor {

enum class EventKind : uint32_t {
  kStep,     // a worker has trained a step
  kLost,     // a worker falls silent
  kExpired,  // the lease of a silent worker is over
};

struct Event {
  MonotonicTime at{};
  uint64_t sequence = 0;
  uint32_t worker = 0;
  EventKind kind = EventKind::kStep;

  bool operator>(const Event& other) const { return std::tie(at, sequence) > std::tie(other.at, other.sequence); }
};

// A binary heap. Events at the same time come in the order in which they were pushed, so that the order never depends
// on anything else. O(log n). Not thread-safe.
class EventQueue {
 public:
  void Push(MonotonicTime at, uint32_t worker, EventKind kind) {
    heap_.push_back({at, next_sequence_++, worker, kind});
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  bool empty() const { return heap_.empty(); }
  const Event& top() const { return heap_.front(); }
  Event Pop() {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const Event event = heap_.back();
    heap_.pop_back();
    return event;
  }

 private:
  std::vector<Event> heap_;
  uint64_t next_sequence_ = 0;
};

}  // namespace athanor
