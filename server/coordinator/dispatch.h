// Who works on what next: parked acquires of idle workers are matched with studies that have work. SEMANTICS section 2,
// "next free slot". Owner thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "server/coordinator/lifecycle.h"
#include "server/coordinator/state.h"
#include "server/coordinator/suggestions.h"
#include "server/coordinator/transaction.h"

namespace athanor {

struct AcquireOptions {
  std::string worker;
  uint64_t incarnation = 0;
  uint64_t sequence = 0;
  int max_trials = 1;
  Duration wait{};  // capped by CoordinatorOptions::long_poll
};

using Grants = std::vector<LeaseGrant>;

class Dispatch {
 public:
  Dispatch(State& state, Suggestions& suggestions) : state_(state), suggestions_(suggestions) {}

  using WaitId = uint64_t;  // 0 = answered already

  // Answers through `done` in this group or a later one: with leases as soon as there is work, empty at the deadline,
  // or with an error. A repeat of the last sequence gets the same leases, if they are still live, also after a restart
  // of the coordinator. While nothing can be written, nobody is given a lease and everybody waits. RESOURCE_EXHAUSTED
  // when too many wait. `done` is called exactly once, on the owner thread, after the commit of the group that decided.
  WaitId Acquire(Transaction& tx, const AcquireOptions& options, std::function<void(absl::StatusOr<Grants>)> done);
  // The caller went away: it gets no lease. A no-op if it was answered; then GiveBack what it got.
  void Cancel(WaitId id);
  // Leases that never reached the worker go back to the queue, not as a failure.
  void GiveBack(Transaction& tx, const Grants& grants);

  // Work for a worker that asks on its stream: what there is now, at most `max_trials`.
  absl::StatusOr<Grants> AcquireNow(Transaction& tx, const AcquireOptions& options);
  // The same for a caller that looks at the study itself, so that nothing is put together to be sent. By token.
  absl::StatusOr<std::vector<LeaseRef>> LeaseNow(Transaction& tx, const AcquireOptions& options);

  // Leases to those who wait, in the order in which they came. Once a group.
  void ServeWaiting(Transaction& tx);
  // Answers those whose wait is over, empty.
  void Expire(Transaction& tx);
  // Shutdown: answers everybody, empty.
  void ReleaseAll(Transaction& tx);

 private:
  struct Waiting {
    AcquireOptions options;
    MonotonicTime deadline;
    std::function<void(absl::StatusOr<Grants>)> done;
  };
  using Waits = std::map<WaitId, Waiting>;
  // Returns the next one.
  Waits::iterator Remove(Waits::iterator waiting);
  // FAILED_PRECONDITION for a sequence number older than the worker's last; INVALID_ARGUMENT without a trial to ask
  // for.
  static absl::Status CheckCall(const AcquireOptions& options, const WorkerInMemory& worker);
  absl::StatusOr<std::vector<LeaseRef>> TryAcquire(Transaction& tx, const AcquireOptions& options,
                                                   WorkerInMemory& worker);
  void Take(Transaction& tx, WorkerInMemory& worker, int max_trials);
  // What a worker would be given of a study now.
  struct Work {
    NextWork kind = NextWork::kNone;
    TrialNumber trial = 0;               // kRequeued
    std::optional<Promotion> promotion;  // kPromotion and kFinalist: a trial that is paused until then
  };
  struct Offer {
    LiveStudy* study = nullptr;  // null: no work
    Work work;
  };
  // kProbe: studies that the worker was taken off are offered too.
  enum class Trust { kFull, kProbe };
  Offer ChooseStudy(const WorkerInMemory& worker, Trust trust, MonotonicTime now);
  // kNewTrial only if nothing has to be computed first; if that is all that it waits for, the suggestion is asked for.
  Work WorkFor(const LiveStudy& study, const WorkerInMemory& worker, MonotonicTime now);
  // The re-queued trial that the worker would be given before anything else; nothing if each of them had better wait
  // for another worker.
  std::optional<TrialNumber> RequeuedFor(const LiveStudy& study, const std::string& worker, MonotonicTime now) const;
  bool AnotherMayRun(const LiveStudy& study, const std::string& worker, MonotonicTime now) const;
  void Lease(Transaction& tx, const Offer& offer, WorkerInMemory& worker);
  // The trial that is offered, WAITING.
  TrialNumber Prepare(Transaction& tx, const Offer& offer);
  // What the last acquire of the worker was given and it still holds. By token.
  std::vector<LeaseRef> LastLeases(const WorkerInMemory& worker) const;
  Grants GrantsOf(const std::vector<LeaseRef>& leases) const;
  // Whether more of its trials may run now.
  static bool MayRunMore(const LiveStudy& study);
  // Whether it has work for anybody, or a suggestion to ask for.
  bool HasWork(const LiveStudy& study) const;
  bool AnyHasWork() const;
  // Has a new trial of `study` ready for the next worker, if others would take that worker meanwhile.
  void KeepReady(const LiveStudy& study);
  bool Answer(Transaction& tx, Waiting& waiting);

  State& state_;
  Suggestions& suggestions_;
  // With a hundred thousand who wait, each of whom asks anew every half minute, nothing but work for them may look at
  // all.
  Waits waiting_;                                     // in the order in which they came
  absl::flat_hash_map<std::string, WaitId> wait_of_;  // by worker, which has one at most
  std::set<std::pair<MonotonicTime, WaitId>> deadlines_;
  WaitId next_wait_ = 1;
};

}  // namespace athanor
