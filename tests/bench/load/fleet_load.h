// A large fleet at its ordinary pace: connected workers that each report once a second, while some of them take trials.
#pragma once

#include <cstdint>
#include <map>

#include "tests/bench/load/latencies.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {

struct FleetLoadOptions {
  int workers = 1000;  // each with a connection and a stream of its own
  int acquires_per_second = 50;
  Duration duration = std::chrono::seconds(10);
};

struct FleetLoadResult {
  int64_t reports = 0;   // acknowledged, of one measurement each
  int64_t acquires = 0;  // answered with a trial, which was then finished
  double seconds = 0;
  int64_t resident_bytes = 0;  // of the server, at the end with all workers connected
  // From when a call was due, whether or not it could be sent then.
  Latencies acquire_latencies;
  Latencies report_latencies;
  std::map<int64_t, int64_t> last_steps;  // by trial: acknowledged from step 1 to here
};

// The server's studies have trials enough for all. One thread paces the workers; gRPC's own threads take the answers.
FleetLoadResult RunFleetLoad(const ServerProcess& server, const FleetLoadOptions& options);

}  // namespace athanor::bench
