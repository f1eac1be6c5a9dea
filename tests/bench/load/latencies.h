// What a clock shows, latencies of one load, and how they are told.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace athanor::bench {

// By which everything here is measured.
MonotonicTime Now();

// Exact: every sample is kept. Not thread-safe.
class Latencies {
 public:
  void Add(Duration latency);
  void Merge(const Latencies& other);
  bool empty() const { return samples_.empty(); }
  // The quantile, in [0, 1], in milliseconds; 0 without samples.
  double Milliseconds(double quantile);
  // "p50 1.20 ms, p99 3.40 ms, p99.9 5.60 ms"; "none" without samples.
  std::string Summary();

 private:
  std::vector<Duration> samples_;
  bool sorted_ = true;
};

}  // namespace athanor::bench
