// The coordinator without its wire: the state and the use cases over it, kept consistent with the store. Everything
// here runs on the owner thread (owner.h); handlers reach it through Owner::Submit.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/coordinator/checkpoints.h"
#include "server/coordinator/dispatch.h"
#include "server/coordinator/leases.h"
#include "server/coordinator/owner.h"
#include "server/coordinator/reports.h"
#include "server/coordinator/state.h"
#include "server/coordinator/studies.h"
#include "server/coordinator/suggestions.h"
#include "server/coordinator/trials.h"
#include "server/coordinator/watchers.h"

namespace athanor {

// The hashes of checkpoint rows that a commit added and removed, one entry a row.
struct CheckpointRows {
  std::vector<std::string> added;
  std::vector<std::string> removed;
};

// Trials that a commit put into a finished state, and studies that it deleted.
struct EndedRows {
  std::vector<std::pair<StudyId, TrialNumber>> trials;
  std::vector<StudyId> deleted_studies;
};

class Coordinator final : public OwnedState {
 public:
  // `store` must outlive it.
  Coordinator(Store& store, const CoordinatorOptions& options);

  // Rebuilds memory from the store: call once, before the owner runs. Every live lease gets its full duration from
  // `now` on.
  absl::Status Load(MonotonicTime now) { return state_.Load(now); }

  // What time does: expired leases, ended long polls, wall clocks, forgotten requests. Call every 100 ms or so. While
  // nothing can be written all but the long polls waits, and from time to time a row is written to see if that is over.
  void Tick(Transaction& tx);
  // Shutdown: every long poll is answered, empty.
  void ReleaseWaiting(Transaction& tx) { dispatch_.ReleaseAll(tx); }

  // Slow search methods compute on `pool` from now on: call before the owner runs. Without it they keep the owner
  // thread busy.
  void UseSearchPool(SearchPool pool) { suggestions_.Use(std::move(pool)); }

  // `changed` runs on the owner thread after every commit that added or removed checkpoint rows; it must not block.
  void SetCheckpointListener(std::function<void(const CheckpointRows&)> changed) {
    checkpoint_listener_ = std::move(changed);
  }

  // `ended` runs on the owner thread after every commit that ended a trial or deleted a study; it must not block.
  void SetEndListener(std::function<void(const EndedRows&)> ended) { end_listener_ = std::move(ended); }

  State& state() { return state_; }
  Studies& studies() { return studies_; }
  Trials& trials() { return trials_; }
  Leases& leases() { return leases_; }
  Dispatch& dispatch() { return dispatch_; }
  Reports& reports() { return reports_; }
  Checkpoints& checkpoints() { return checkpoints_; }
  Watchers& watchers() { return watchers_; }

  // OwnedState.
  void FinishGroup(Transaction& tx) override;
  void Rebuild(const Transaction& tx) override;

 private:
  State state_;
  Suggestions suggestions_;
  Leases leases_;
  Studies studies_;
  Trials trials_;
  Dispatch dispatch_;
  Reports reports_;
  Checkpoints checkpoints_;
  Watchers watchers_;
  std::function<void(const CheckpointRows&)> checkpoint_listener_;
  std::function<void(const EndedRows&)> end_listener_;
  std::optional<MonotonicTime> last_forget_;
};

}  // namespace athanor
