// What users do with studies: create, steer, end. SEMANTICS section 2. Owner thread only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/coordinator/leases.h"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

// What of a study may change while it runs, and after.
enum class StudyField { kTrials, kParallel, kWallClock, kMaxFailures, kTarget, kPriority };
struct StudyUpdate {
  std::set<StudyField> fields = {};  // these change; of the rest nothing below is looked at
  BudgetOptions budget = {};         // an absent limit is lifted
  int64_t priority = 0;
};

class Studies {
 public:
  Studies(State& state, Leases& leases) : state_(state), leases_(leases) {}

  // Every call with a request id that was answered before changes nothing and returns the study as it is now.

  // INVALID_ARGUMENT starting with the key path; ALREADY_EXISTS if the name is taken; NOT_FOUND naming a study to start
  // from that does not exist.
  absl::StatusOr<LiveStudy*> Create(Transaction& tx, StudySpec spec, const RequestKey& request);
  // As Create, for a spec that is complete already and is taken as it is: the trials of a simulation have parameters
  // that no trainer has.
  absl::StatusOr<LiveStudy*> CreateCompleted(Transaction& tx, StudySpec completed, const RequestKey& request);
  // FAILED_PRECONDITION in a finished state; no-op if PAUSED already.
  absl::StatusOr<LiveStudy*> Pause(Transaction& tx, const std::string& study, const RequestKey& request);
  // FAILED_PRECONDITION in a finished state; no-op if ACTIVE already.
  absl::StatusOr<LiveStudy*> Resume(Transaction& tx, const std::string& study, const RequestKey& request);
  // No-op if CANCELLED already; FAILED_PRECONDITION in another finished state.
  absl::StatusOr<LiveStudy*> Cancel(Transaction& tx, const std::string& study, const RequestKey& request);
  // Puts another budget or priority in force, with what that means at once: a limit that is reached already ends the
  // study; one that was raised takes a COMPLETED study, or one that FAILED by max_failures, back to ACTIVE if it leaves
  // room for new trials (PRUNED and CANCELLED ones stay so). No lease ends because `parallel` fell. INVALID_ARGUMENT
  // with key path, as at creation, and for fewer trials than were created or are queued; FAILED_PRECONDITION if
  // CANCELLED.
  absl::StatusOr<LiveStudy*> Update(Transaction& tx, const std::string& study, const StudyUpdate& update,
                                    const RequestKey& request);
  // FAILED_PRECONDITION unless finished.
  absl::Status Delete(Transaction& tx, const std::string& study, const RequestKey& request);

  // The trials that a study with this completed spec would start from (search/warm_start.h). NOT_FOUND naming the
  // earlier study that does not exist; INVALID_ARGUMENT with key path if its objective is another.
  absl::StatusOr<std::vector<PriorTrial>> ReadWarmStart(const StudySpec& spec) const;

  // Counts time against the wall clocks and ends the studies whose is up.
  void Tick(Transaction& tx);

  // Why an ACTIVE study waits; empty if it does not.
  std::string WhyWaiting(const LiveStudy& study, MonotonicTime now) const;

 private:
  // The study of a call, and whether the call was made before.
  struct Call {
    LiveStudy* study = nullptr;
    bool repeated = false;
  };
  absl::StatusOr<Call> Open(const std::string& study, const RequestKey& request);

  State& state_;
  Leases& leases_;
};

}  // namespace athanor
