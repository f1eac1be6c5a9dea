// Pauses between attempts to reach the coordinator: exponential, with jitter so that a rack of workers does not return
// at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "base/random.h"

namespace athanor::session {

// The k-th pause is uniform in [d/2, d] with d = min(initial * 2^k, cap). A pure function of seed and calls. Not
// thread-safe.
class Backoff {
 public:
  struct Options {
    Duration initial = std::chrono::milliseconds(200);
    Duration cap = std::chrono::seconds(10);
  };

  Backoff(const Options& options, uint64_t seed) : options_(options), random_(seed), next_(options.initial) {}

  Duration Next() {
    const Duration ceiling = std::min(next_, options_.cap);
    next_ = std::min(ceiling * 2, options_.cap);
    return ceiling / 2 + Duration(random_.Below(static_cast<uint64_t>(ceiling.count() / 2 + 1)));
  }
  // From now on no pause is longer.
  void SetCap(Duration cap) { options_.cap = cap; }
  // After a success.
  void Reset() { next_ = options_.initial; }

 private:
  Options options_;
  Random random_;
  Duration next_;
};

}  // namespace athanor::session
