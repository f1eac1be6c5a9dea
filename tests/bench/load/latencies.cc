#include "tests/bench/load/latencies.h"

#include <fmt/format.h>

#include <algorithm>

namespace athanor::bench {

void Latencies::Merge(const Latencies& other) {
  samples_.insert(samples_.end(), other.samples_.begin(), other.samples_.end());
}

std::string Latencies::Summary() {
  if (samples_.empty()) return "none";
  std::ranges::sort(samples_);
  const auto at = [this](double quantile) {
    const auto index = static_cast<size_t>(quantile * static_cast<double>(samples_.size() - 1));
    return std::chrono::duration<double, std::milli>(samples_[index]).count();
  };
  return fmt::format("p50 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms", at(0.5), at(0.99), at(0.999));
}

}  // namespace athanor::bench
