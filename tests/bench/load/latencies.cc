#include "tests/bench/load/latencies.h"

#include <fmt/format.h>

#include <algorithm>

namespace athanor::bench {

MonotonicTime Now() { return SystemClock().Read().monotonic; }

void Latencies::Add(Duration latency) {
  samples_.push_back(latency);
  sorted_ = false;
}

void Latencies::Merge(const Latencies& other) {
  samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.end());
  sorted_ = false;
}

double Latencies::Milliseconds(double quantile) {
  if (samples_.empty()) return 0;
  if (!sorted_) std::ranges::sort(samples_);
  sorted_ = true;
  const auto index = static_cast<size_t>(quantile * static_cast<double>(samples_.size() - 1));
  return std::chrono::duration<double, std::milli>(samples_[index]).count();
}

std::string Latencies::Summary() {
  if (samples_.empty()) return "none";
  return fmt::format("p50 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms", Milliseconds(0.5), Milliseconds(0.99),
                     Milliseconds(0.999));
}

}  // namespace athanor::bench
