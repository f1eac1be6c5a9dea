// Which workers are trusted with which studies: failures in a row, quarantine, probes. SEMANTICS section 3. Free
// functions over State; owner thread only.
//
// After three failed attempts in a row, of at least two trials, a worker gets no more of that study; after two such
// studies it is QUARANTINED and gets no more of any. Either ends with `worker enable`, or with the success of a probe:
// once every CoordinatorOptions::probe_interval such a worker is leased one trial of what it was taken off (Dispatch).
// COMPLETED, paused, pruned and INFEASIBLE attempts are successes: the worker trained. Lost, cancelled and preempted
// ones say nothing about it.
#pragma once

#include <string>

#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

// An attempt on the worker has just been counted as failed in `study`.
void CountWorkerFailure(State& state, Transaction& tx, const LiveStudy& study, const std::string& worker);

// An attempt on the worker is about to end so; nothing unless that is a success.
void CountWorkerSuccess(State& state, Transaction& tx, LiveStudy& study, const std::string& worker,
                        AttemptOutcome outcome);

// Forgets every failure of the worker and lets it have work again.
void RestoreTrust(State& state, Transaction& tx, WorkerInMemory& worker);

// Pauses `study`, naming the workers, if nothing of it runs and every worker that it was left with was taken off it.
// A study that no worker ever met goes on waiting.
void PauseIfDeserted(State& state, Transaction& tx, LiveStudy& study);

}  // namespace athanor
