// What every call needs, and how calls answer. Calls know nothing of gRPC: they take a request and answer through a
// callback, so that a transport in the same process can serve them too.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/fault_hook.h"
#include "server/coordinator/coordinator.h"
#include "server/coordinator/owner.h"
#include "server/rpc/bounded_pool.h"
#include "server/store/artifact_files.h"
#include "server/store/checkpoint_files.h"
#include "server/store/log_files.h"
#include "server/store/store.h"

namespace athanor {

// Called exactly once, on the owner thread, on a thread of a pool, or before the call that took it returns.
template <typename Response>
using Done = std::function<void(absl::StatusOr<Response>)>;

// Wired in serve.cc. Everything referred to outlives every call. Which thread may touch what:
//  * gRPC's threads convert and post; they never wait, neither for the disk nor for each other.
//  * The owner thread alone looks at studies and workers, within an operation; what it answers waits for the commit.
//  * `reads` answers from the store what is not in memory, `transfers` moves files. Both are bounded: a call that finds
//    one full is RESOURCE_EXHAUSTED at once, so that a slow disk makes clients back off instead of memory grow.
struct ServiceContext {
  Owner& owner;              // any thread
  Coordinator& coordinator;  // owner thread only, within an operation
  Store& store;              // its Read functions, on `reads`
  CheckpointFiles& files;    // on `transfers`
  LogFiles& logs;            // on `transfers`, where it does I/O
  ArtifactFiles& artifacts;  // likewise
  BoundedPool& reads;        // any thread
  BoundedPool& transfers;    // any thread
  const Clock& clock;
  const std::string version;    // of this program, as ServerStatus tells it
  const MonotonicTime started;  // when it began to serve
  const FaultHook faults = {};  // where a test ends the process
  // ServerStatus.integrity; called on any thread.
  const std::function<std::string()> integrity = [] { return std::string("ok"); };
  std::atomic<bool> stopping = false;  // shutting down: nothing waits any more
};

// Answers with `read()`, run on the pool of reads. RESOURCE_EXHAUSTED when that is full.
template <typename Response>
void AnswerFromStore(ServiceContext& context, Done<Response> done, std::function<absl::StatusOr<Response>()> read) {
  const absl::Status posted = context.reads.Post([done, read = std::move(read)] { done(read()); });
  if (!posted.ok()) done(posted);
}

}  // namespace athanor
