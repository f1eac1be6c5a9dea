// Latencies of one load, and how they are told.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace athanor::bench {

// Not thread-safe.
class Latencies {
 public:
  void Add(Duration latency) { samples_.push_back(latency); }
  void Merge(const Latencies& other);
  // "p50 1.2 ms, p99 3.4 ms, p99.9 5.6 ms"; "none" without samples. Exact: every sample is kept.
  std::string Summary();

 private:
  std::vector<Duration> samples_;
};

}  // namespace athanor::bench
