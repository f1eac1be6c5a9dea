// The owner thread: the only one that touches the studies in memory and the writing side of the store.
//
// Operations queue here from any thread. The owner takes what is there, applies one after the other to memory, commits
// the changes of all as one group, and only then lets anything out: replies, pushes, watch events. If the commit fails,
// every operation of the group gets the error and the memory that the group touched is rebuilt from the store before
// the next group is applied. While the disk refuses commits, groups that only read go on; Transaction::writable tells
// operations that would write why they cannot (write_gate.h).
//
// Performance: one fsync a group; while it runs, the next group gathers. The queue is bounded: Post refuses when it is
// full.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/fault_hook.h"
#include "base/mutex.h"
#include "server/coordinator/transaction.h"
#include "server/coordinator/write_gate.h"
#include "server/store/store.h"

namespace athanor {

// What the owner keeps consistent with the store.
class OwnedState {
 public:
  virtual ~OwnedState() = default;
  // Called once a group, after its operations and before its commit: leases for those who wait, rows of what became
  // dirty.
  virtual void FinishGroup(Transaction& transaction) = 0;
  // The group's commit failed: forget what it did.
  virtual void Rebuild(const Transaction& transaction) = 0;
};

struct OwnerOptions {
  size_t queue_limit = 65536;  // operations
  size_t group_limit = 4096;   // operations a commit
  FaultHook faults = {};
};

struct OwnerStatistics {
  int64_t commits = 0;
  int64_t operations = 0;
  int64_t queued = 0;
  double commit_p50_ms = 0;  // of the last 1024 commits that wrote something
  double commit_p99_ms = 0;
  std::string write_error;  // why the last commit failed; "" while writes succeed
};

class Owner {
 public:
  // An operation changes memory and `transaction`, and returns what to do once the group's fate is known: called with
  // OK after the commit or with the error of the commit. It runs on the owner thread and must not block.
  using Reply = std::function<void(const absl::Status& commit)>;
  using Operation = std::function<Reply(Transaction& transaction)>;

  // `store`, `state` and `clock` must outlive the owner.
  Owner(Store& store, OwnedState& state, const Clock& clock, OwnerOptions options = {});

  // Thread-safe, does not block. RESOURCE_EXHAUSTED when the queue is full, UNAVAILABLE after Stop; the operation is
  // dropped then.
  absl::Status Post(Operation operation);

  // Applies `use_case` and calls `done` with its result after the commit, or with why that failed. `done` runs on the
  // owner thread, or on the caller's if the queue refuses.
  template <typename T>
  void Submit(std::function<absl::StatusOr<T>(Transaction&)> use_case, std::function<void(absl::StatusOr<T>)> done) {
    auto shared_done = std::make_shared<std::function<void(absl::StatusOr<T>)>>(std::move(done));
    const absl::Status posted = Post([use_case = std::move(use_case), shared_done](Transaction& transaction) -> Reply {
      auto result = std::make_shared<absl::StatusOr<T>>(use_case(transaction));
      return [result, shared_done](const absl::Status& commit) {
        if (commit.ok()) {
          (*shared_done)(std::move(*result));
        } else {
          (*shared_done)(commit);
        }
      };
    });
    if (!posted.ok()) (*shared_done)(posted);
  }

  // The body of the owner thread: returns after Stop, when everything queued before it has been applied and answered.
  void Run();
  // Thread-safe. Operations posted later are refused.
  void Stop();
  // Thread-safe, not for the owner thread. Blocks until all posted before has been applied, answered and dropped.
  void Drain();

  // Applies what is queued now as one group and returns true, or false at once if nothing is. For tests that have no
  // owner thread.
  bool RunOnce();

  // Thread-safe.
  OwnerStatistics statistics() const;

 private:
  void RunGroup(std::deque<Operation> group);
  absl::Status Commit(const Transaction& transaction);

  Store& store_;
  OwnedState& state_;
  const Clock& clock_;
  const OwnerOptions options_;
  WriteGate gate_;

  mutable Mutex mutex_;
  ConditionVariable wake_;
  ConditionVariable drained_;
  std::deque<Operation> queue_ ATHANOR_GUARDED_BY(mutex_);
  bool stopped_ ATHANOR_GUARDED_BY(mutex_) = false;
  int64_t commits_ ATHANOR_GUARDED_BY(mutex_) = 0;
  int64_t posted_ ATHANOR_GUARDED_BY(mutex_) = 0;
  int64_t operations_ ATHANOR_GUARDED_BY(mutex_) = 0;  // done with
  std::array<float, 1024> commit_ms_ ATHANOR_GUARDED_BY(mutex_) = {};
  std::string write_error_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace athanor
