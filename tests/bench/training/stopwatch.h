// Time by the clock and by the processor.
#pragma once

#include <chrono>
#include <ctime>

namespace athanor::training {

struct Reading {
  double wall = 0;       // s
  double processor = 0;  // s, all threads of the process

  Reading operator-(const Reading& earlier) const { return {wall - earlier.wall, processor - earlier.processor}; }
  Reading& operator+=(const Reading& other) {
    wall += other.wall;
    processor += other.processor;
    return *this;
  }
};

inline Reading ReadClocks() {
  timespec processor;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor);
  return {std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(),
          static_cast<double>(processor.tv_sec) + 1e-9 * static_cast<double>(processor.tv_nsec)};
}

}  // namespace athanor::training
