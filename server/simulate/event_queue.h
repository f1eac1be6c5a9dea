// What happens next in virtual time: the queue of a discrete-event simulation. Whoever pops an event sets the clock to
// its time; nothing is ever pushed before that time, so the clock never goes back.
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
  uint64_t sequence = 0;  // of the push, from 0: decides between equal times
  uint32_t worker = 0;    // whom it happens to, by index
  EventKind kind = EventKind::kStep;

  // Later.
  bool operator>(const Event& other) const { return std::tie(at, sequence) > std::tie(other.at, other.sequence); }
};

// A binary heap. Events at the same time come in the order in which they were pushed, so that the order never depends
// on anything else: one seed, one history. Push and Pop are O(log n) in the events that wait, the rest O(1). Not
// thread-safe.
class EventQueue {
 public:
  void Push(MonotonicTime at, uint32_t worker, EventKind kind) {
    heap_.push_back({at, next_sequence_++, worker, kind});
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  bool empty() const { return heap_.empty(); }
  // The earliest; there must be one, here and for Pop.
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
