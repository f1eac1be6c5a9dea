// What users do with studies: create, steer, end. SEMANTICS section 2. Owner thread only.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/coordinator/leases.h"
#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

class Studies {
 public:
  Studies(State& state, Leases& leases) : state_(state), leases_(leases) {}

  // Every call with a request id that was answered before changes nothing and returns the study as it is now.

  // INVALID_ARGUMENT starting with the key path; ALREADY_EXISTS if the name is taken.
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
  // FAILED_PRECONDITION unless finished.
  absl::Status Delete(Transaction& tx, const std::string& study, const RequestKey& request);

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
