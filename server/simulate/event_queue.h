// What happens next in virtual time: the queue of a discrete-event simulation. Whoever pops an event sets the clock to
// its time; nothing is ever pushed before that time, so the clock never goes back.
//
// Order: by time, then by push. Nothing else decides, so one seed gives one history, on any machine and library.
//
// There is no way to take an event back, and none is needed: what is pushed is the next thing that happens to its
// worker, so a busy worker has one event in the queue and an idle one has none.
//
// Cost: an event is 24 bytes, so the queue of 100,000 workers takes 2.4 MB.
// Threads: not thread-safe, and free of I/O.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
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
  bool operator>(const Event& other) const { return at > other.at || (at == other.at && sequence > other.sequence); }
};

// A heap of four children a node: half as deep as a binary one, and the four lie together. Events at the same time come
// in the order in which they were pushed, so that the order never depends on anything else: one seed, one history. Push
// and Pop are O(log n) in the events that wait, the rest O(1). Not thread-safe.
class EventQueue {
 public:
  void Push(MonotonicTime at, uint32_t worker, EventKind kind) {
    const Event event{at, next_sequence_++, worker, kind};
    heap_.push_back(event);
    size_t place = heap_.size() - 1;
    for (; place > 0 && heap_[(place - 1) / 4] > event; place = (place - 1) / 4) heap_[place] = heap_[(place - 1) / 4];
    heap_[place] = event;
  }
  bool empty() const { return heap_.empty(); }
  // The earliest; there must be one, here and for Pop.
  const Event& top() const { return heap_.front(); }
  // The earliest of those after top() is among them.
  std::span<const Event> after_top() const {
    return std::span(heap_).first(std::min<size_t>(heap_.size(), 5)).subspan(heap_.empty() ? 0 : 1);
  }
  Event Pop() {
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) Sink(last);
    return first;
  }

 private:
  // Puts the event in the place of the first, and those before it in front of it.
  void Sink(const Event& event) {
    size_t place = 0;
    for (size_t child = 1; child < heap_.size(); child = 4 * place + 1) {
      size_t earliest = child;
      for (size_t other = child + 1; other < std::min(child + 4, heap_.size()); ++other) {
        if (heap_[earliest] > heap_[other]) earliest = other;
      }
      if (heap_[earliest] > event) break;
      heap_[place] = heap_[earliest];
      place = earliest;
    }
    heap_[place] = event;
  }

  std::vector<Event> heap_;
  uint64_t next_sequence_ = 0;
};

}  // namespace athanor
