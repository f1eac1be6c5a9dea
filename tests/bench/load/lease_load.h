// Workers that do nothing but take trials and finish them.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/load/latencies.h"
#include "tests/bench/load/server_process.h"

namespace athanor::bench {

// kCalls: Acquire and Finish as unary calls. kStream: one request on the report stream finishes a trial and asks for
// the next.
enum class LeaseLoadKind { kCalls, kStream };

struct LeaseLoadOptions {
  LeaseLoadKind kind = LeaseLoadKind::kCalls;
  int workers = 16;
  Duration duration = std::chrono::seconds(5);
  std::string study;                     // with trials left
  std::string worker_prefix = "worker";  // of their names; no two loads on one server share it
};

struct LeaseLoadResult {
  int64_t finished = 0;  // acknowledged
  double seconds = 0;
  Latencies latencies;  // from asking for a trial until it is finished
};

LeaseLoadResult RunLeaseLoad(const ServerProcess& server, const LeaseLoadOptions& options);

// After the server has stopped: trials of the study that are finished in the database.
int64_t CountFinished(const std::string& database, const std::string& study);

}  // namespace athanor::bench
