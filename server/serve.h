// The coordinator as a process: wires the store, the state, the owner thread and the RPC server, creates every thread,
// and serves until SIGTERM or SIGINT.
#pragma once

#include <chrono>

#include "absl/status/status.h"
#include "base/fault_hook.h"
#include "server/config.h"

namespace athanor {

// What a test program gives instead of the defaults.
struct ServeHooks {
  FaultHook faults = {};
  std::chrono::milliseconds tick{100};  // between two looks at what time has done: leases, long polls, wall clocks
};

// Prints "listening on HOST:PORT" on stdout once calls are served, and blocks until a signal; then calls in flight end,
// what was queued is committed, and it returns OK. An error means that it could not start, naming the file or address
// and the cause: as OpenSqliteStore, CheckpointFiles::Open and RpcServer::Start say. The process must not have blocked
// the two signals.
absl::Status Serve(const ServerConfig& config, const ServeHooks& hooks = {});

}  // namespace athanor
