// Decides when a child that should be working has been silent for too long. No timer and no clock of its own: `now` is
// passed in.
#pragma once

#include <optional>

#include "base/clock.h"

namespace athanor::session {

class StallDetector {
 public:
  // Watches from `now` on. A `timeout` of 0 or less watches nothing.
  void Start(Duration timeout, MonotonicTime now) {
    timeout_ = timeout;
    since_ = now;
  }
  void Stop() { since_.reset(); }
  // A message of any kind came, or the child was told to go on.
  void OnMessage(MonotonicTime now) {
    if (since_.has_value()) since_ = now;
  }
  // When silence becomes a stall; nothing while it does not watch.
  std::optional<MonotonicTime> Deadline() const {
    if (!since_.has_value() || timeout_ <= Duration::zero()) return std::nullopt;
    return *since_ + timeout_;
  }
  // True from the deadline on, the instant itself included.
  bool Stalled(MonotonicTime now) const {
    const auto deadline = Deadline();
    return deadline.has_value() && now >= *deadline;
  }

 private:
  Duration timeout_ = Duration::zero();
  std::optional<MonotonicTime> since_;
};

}  // namespace athanor::session
