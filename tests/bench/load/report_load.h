// Workers that stream measurements as fast as they are acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/bench/load/latencies.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {

struct ReportLoadOptions {
  int workers = 16;
  int trials_per_worker = 4;
  int measurements_per_request = 16;  // of two metrics each
  int requests_in_flight = 4;         // a worker
  Duration duration = std::chrono::seconds(10);
};

struct ReportLoadResult {
  int64_t measurements = 0;  // acknowledged
  double seconds = 0;
  Latencies latencies;                    // of a request, from its write to its acknowledgement
  std::map<int64_t, int64_t> last_steps;  // by trial: acknowledged from step 1 to here
};

// The value that the load reports; a check of the database needs no memory of what was sent.
inline double ReportedValue(int64_t trial, int64_t step) {
  return static_cast<double>(trial) + static_cast<double>(step) / 1e9;
}

// Runs the load on the trials of the only study that there is; it has enough of them.
ReportLoadResult RunReportLoad(const ServerProcess& server, const ReportLoadOptions& options);

// After the server has stopped: how many acknowledged measurements of its first study are missing from the database or
// differ there. `last_steps`: as in ReportLoadResult.
int64_t CountMissing(const std::string& database, const std::map<int64_t, int64_t>& last_steps);

}  // namespace athanor::bench
