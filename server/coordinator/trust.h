// Which workers are trusted with which studies: failures in a row, quarantine, probes. SEMANTICS section 3. Free
// functions over State; owner thread only.
//
// After three failed attempts in a row, of at least two trials, a worker gets no more of that study; after two such
// studies it is QUARANTINED and gets no more of any. Either ends with `worker enable`, or with the success of a probe:
// once every CoordinatorOptions::probe_interval such a worker is leased one trial of what it was taken off (Dispatch).
// COMPLETED, paused, pruned and INFEASIBLE attempts are successes: the worker trained. Lost, cancelled and preempted
// ones say nothing about it.
#pragma once

#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

// The live attempt of the trial is about to end as FAILED: counts against the trial and its worker.
void CountFailure(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial);

// The attempt is about to end as a success. `worker`: whose it is; null if it is not known.
void CountWorkerSuccess(State& state, Transaction& tx, LiveStudy& study, const Attempt& attempt,
                        WorkerInMemory* worker);

// Forgives the worker its failures, also of attempts that still run, and lets it have work again.
void RestoreTrust(State& state, Transaction& tx, WorkerInMemory& worker);

// Pauses `study`, naming the workers, if nothing of it runs and every worker that it was left with was taken off it.
// A study that no worker ever met goes on waiting.
void PauseIfDeserted(State& state, Transaction& tx, LiveStudy& study);

}  // namespace athanor
