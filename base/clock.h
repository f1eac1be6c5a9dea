// Time as an input. Code below the edge never reads a clock: `now` is read once, where a request or a timer comes in,
// and passed down.
#pragma once

#include <chrono>

namespace athanor {

using Duration = std::chrono::nanoseconds;

// Never jumps, means nothing to another process. Leases and deadlines.
struct MonotonicEpoch {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicEpoch>;
  static constexpr bool is_steady = true;
};
using MonotonicTime = MonotonicEpoch::time_point;

// For people and for rows: milliseconds since the Unix epoch, UTC.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// The two readings that belong to one moment.
struct Now {
  MonotonicTime monotonic;
  WallTime wall;
};

class Clock {
 public:
  virtual ~Clock() = default;
  // Thread-safe, never blocks.
  virtual Now Read() const = 0;
};

class SystemClock final : public Clock {
 public:
  Now Read() const override;
};

}  // namespace athanor
