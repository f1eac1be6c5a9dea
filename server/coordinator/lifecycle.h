// The transitions that studies, reports, leases and dispatch share: how attempts, trials and studies end. SEMANTICS
// sections 2 to 4. Free functions over State; owner thread only.
#pragma once

#include <string>

#include "server/coordinator/state.h"
#include "server/coordinator/transaction.h"

namespace athanor {

// Ends the live attempt of a trial, takes the lease from its worker and puts the trial into `next`. Checkpoints that
// nothing needs any more (retention.h) are deleted in the same transaction. Does not look at what this means for the
// study: call Settle when all is done.
void EndLease(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, AttemptOutcome outcome,
              TrialState next, std::string reason);

// As EndLease, and tells the worker to stop at once.
void RevokeLease(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, AttemptOutcome outcome,
                 TrialState next, const std::string& reason);

// An unfinished trial ends, leased or not.
void EndTrial(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, TrialState next,
              const std::string& reason);

// A live attempt failed: back to the queue, or FAILED when its attempts are used up.
void FailAttempt(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, const std::string& reason);

// The study ends: every unfinished trial becomes PRUNED (COMPLETED study) or CANCELLED (otherwise) with `reason`.
void EndStudy(State& state, Transaction& tx, LiveStudy& study, StudyState next, const std::string& reason);

// Ends a study of which budget.max_failures trials have FAILED. Call when one has just done so: a study that was taken
// back to ACTIVE by the retry of another trial goes on until the next failure.
void CheckMaxFailures(State& state, Transaction& tx, LiveStudy& study);

// Whether `value` is finite and as good as budget.target. Never without a target.
bool ReachesTarget(const StudySpec& spec, double value);

// Ends an ACTIVE study that has nothing left to do. Call after any trial ended or paused.
void Settle(State& state, Transaction& tx, LiveStudy& study);

// What the search still has to offer, in the order of SEMANTICS section 2. kNone: nothing now.
enum class NextWork { kNone, kRequeued, kPromotion, kNewTrial, kFinalist };
NextWork FindWork(const LiveStudy& study);
// The paused trial of NextWork::kFinalist.
std::optional<Promotion> FindFinalist(const LiveStudy& study);

// Pushes a command to a worker's stream after the commit; dropped if no stream is open (the next heartbeat tells it).
void PushCommand(State& state, Transaction& tx, const std::string& worker, Command command);

}  // namespace athanor
