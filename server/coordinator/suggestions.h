// Suggestions of slow search methods, computed on a pool of threads while the owner goes on with everything else.
//
// When a worker could have a new trial of a study whose method is slow, the owner collects what the suggestion depends
// on, once the group has committed (so the copy is what is on disk at the study's revision), and hands the work to the
// pool. Until the answer is back the study has no new trial to give; its other work and other studies' go on. At most
// one suggestion a study is under way. An answer is kept until a trial is made from it, and dropped if by then
// something else is asked for: the study was read again after a failed commit, is gone, has ended, or another
// configuration was enqueued. Nothing of this is stored: after a restart the suggestion is computed again.
//
// Without a pool (simulations, most tests) nothing waits: LiveStudy::CreateTrial computes on the spot.
//
// Owner thread only, but for what the pool runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/mutex.h"
#include "boost/container/flat_set.hpp"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

// Where suggestions are computed.
struct SearchPool {
  // Runs `work` later, on any thread but the caller's. Does not block. Work that is never run is as good as lost: the
  // studies that it was for wait until a restart, so only a pool that is shut down may drop it.
  std::function<void(std::function<void()> work)> run;
  // Has the owner run a group soon, after work is done. Thread-safe. May fail to while the owner's queue is full: a
  // group comes then anyway.
  std::function<void()> wake;
};

class Suggestions {
 public:
  explicit Suggestions(State& state) : state_(state), mailbox_(std::make_shared<Mailbox>()) {}

  // Before the owner runs. `pool` must take work until the owner has stopped; work outlives neither.
  void Use(SearchPool pool) { pool_ = std::move(pool); }

  // Whether the study, which may create a trial, has to wait for a suggestion first.
  bool MustWait(const LiveStudy& study) const;
  // Whether what MustWait is waiting for is being computed.
  bool IsUnderWay(const LiveStudy& study) const;
  // Has the study's next suggestion computed after this group's commit, unless it is there or under way. No-op for a
  // fast method.
  void Want(const LiveStudy& study);
  // The suggestion that is ready for the study's next trial, for LiveStudy::CreateTrial. Nothing without a pool, for a
  // fast method and for an enqueued configuration that lacks nothing.
  std::optional<Configuration> Take(const LiveStudy& study);

  // Once a group: takes in what the pool has computed, before anybody is served; starts what is wanted, after.
  void Collect();
  void Start(Transaction& tx);
  // These were read again from the store.
  void Forget(const boost::container::flat_set<StudyId>& studies);

 private:
  // Of a study: what is being computed, or was.
  struct Slot {
    uint64_t ticket = 0;
    SuggestionRequest request;
    std::optional<Configuration> answer;
  };
  struct Arrival {
    StudyId study = 0;
    uint64_t ticket = 0;
    Configuration answer;
  };
  // Outlives the coordinator, if need be, as long as work of the pool refers to it.
  struct Mailbox {
    Mutex mutex;
    std::vector<Arrival> arrivals ATHANOR_GUARDED_BY(mutex);
  };

  bool IsPooled(const LiveStudy& study) const { return pool_.has_value() && study.SuggestsSlowly(); }
  void StartOne(StudyId id);
  void DropEnded(const boost::container::flat_set<StudyId>& touched);

  State& state_;
  std::optional<SearchPool> pool_;
  std::shared_ptr<Mailbox> mailbox_;
  std::map<StudyId, Slot> slots_;
  std::set<StudyId> wanted_;
  uint64_t next_ticket_ = 1;
};

}  // namespace athanor
