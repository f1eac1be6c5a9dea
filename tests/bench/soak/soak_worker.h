// A worker of one slot that takes trials, reports and finishes, one call after the other, and times each call.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {

// The calls of one trial, in the order in which trials ended over all workers.
struct TrialTimes {
  Duration acquire{};
  std::vector<Duration> reports;
  Duration finish{};
};

struct SoakOptions {
  int workers = 8;
  int64_t trials = 100'000;
  int reports = 10;  // a trial, of two metrics each, one a call
};

// Where the workers put what they measured. Thread-safe by position: each trial takes the next one.
struct SoakTimes {
  explicit SoakTimes(int64_t trials) : by_end(static_cast<size_t>(trials)) {}
  std::vector<TrialTimes> by_end;
  std::atomic<int64_t> ended = 0;
};

// Runs until there is no trial left. Exits the process with a message if a call is refused.
void RunSoakWorker(const ServerProcess& server, const SoakOptions& options, int number, SoakTimes& times);

}  // namespace athanor::bench
