// Who may leave what is no fact, logs and artifacts: attempts of the trial, live or ended.
//
// An attempt's last words and files come when it has ended already, as after the verdict that pauses or prunes it, and
// may come when the trial runs again elsewhere. So a token that is dead for every other call is good for these. What
// such an attempt may still change is for the caller to decide, by what is told of it here.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "server/coordinator/state.h"
#include "server/coordinator/worker_table.h"
#include "server/core/trial.h"
#include "server/rpc/service_context.h"
#include "server/store/trial_key.h"

namespace athanor {

// An attempt, as it stood at one moment.
struct KnownAttempt {
  AttemptOutcome outcome = AttemptOutcome::kLive;
  TrialStanding trial = TrialStanding::kUnfinished;  // or kEnded
};

// Answers what has become of the attempt that had this lease. FAILED_PRECONDITION if there never was one, or its study
// is gone; UNAVAILABLE or RESOURCE_EXHAUSTED if too much waits for the owner or the disk. `done` runs on the owner
// thread, on the pool of reads or before this returns. Does not block; the database is read only for a lease that is
// not live.
void FindAttempt(ServiceContext& context, const LeaseRef& lease,
                 std::function<void(absl::StatusOr<KnownAttempt>)> done);

// Of what the trial's files are worth. Owner thread only.
TrialStanding StandingOf(const State& state, const TrialKey& trial);

}  // namespace athanor
