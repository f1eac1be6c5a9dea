#include "server/coordinator/lifecycle.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/coordinator/retention.h"
#include "server/coordinator/trust.h"
#include "server/core/orientation.h"

namespace athanor {
namespace {

// Deletes the checkpoints of a trial that nothing needs.
void DropUnneeded(Transaction& tx, LiveStudy& study, TrialNumber number) {
  if (study.checkpoints(number).empty()) return;
  const std::vector<Checkpoint> kept = study.checkpoints(number);
  const size_t needed = Retain(FactsOf(study, number), Retries::kResume).newest;
  for (size_t i = needed; i < kept.size(); ++i) study.RemoveCheckpoint(tx, kept[i]);
}

// A trial has ended: its own checkpoints, and those of the trial that it pushed out of the best.
void DropAfterEnd(Transaction& tx, LiveStudy& study, TrialNumber number) {
  if (study.checkpoint_index().all().empty()) return;
  DropUnneeded(tx, study, number);
  const int64_t keep_best = study.spec().checkpoint.keep_best;
  if (study.ended_ranking().size() > keep_best) DropUnneeded(tx, study, study.ended_ranking().At(keep_best).second);
}

// Rungs that a trial enters by ending, and its place among the finished.
void AfterEnd(Transaction& tx, LiveStudy& study, TrialNumber number, Token token) {
  const Trial& trial = study.trial(number);
  std::optional<TrialEnd> end;
  if (trial.state == TrialState::kCompleted) end = TrialEnd::kCompleted;
  if (trial.state == TrialState::kFailed) end = TrialEnd::kFailed;
  if (trial.state == TrialState::kInfeasible) end = TrialEnd::kInfeasible;
  if (end.has_value() && study.rule() != nullptr) {
    const double last = trial.final.has_value() ? Orient(study.spec().objective().goal, trial.final->value)
                                                : std::numeric_limits<double>::infinity();
    study.EnterRungs(tx, number, token, study.rule()->OnEnd(study.stopping_view(), number, trial.bracket, *end, last));
  }
  DropAfterEnd(tx, study, number);
}

}  // namespace

void PushCommand(State& state, Transaction& tx, const std::string& worker, Command command) {
  tx.after_commit.push_back([&state, worker, command] {
    const auto found = state.workers.find(worker);
    if (found != state.workers.end() && found->second.sink) found->second.sink(command);
  });
}

void EndLease(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, AttemptOutcome outcome,
              TrialState next, std::string reason) {
  const Attempt& attempt = study.live(trial)->attempt;
  const Token token = attempt.token;
  const auto found = state.workers.find(attempt.worker);
  WorkerInMemory* const worker = found == state.workers.end() ? nullptr : &found->second;
  if (worker != nullptr) worker->held.erase({study.id(), trial, token});
  if (IsSuccess(outcome)) CountWorkerSuccess(state, tx, study, attempt, worker);
  study.EndAttempt(tx, trial, outcome, next, std::move(reason));
  if (IsFinished(next)) AfterEnd(tx, study, trial, token);
  if (next == TrialState::kPaused) DropUnneeded(tx, study, trial);
}

void RevokeLease(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, AttemptOutcome outcome,
                 TrialState next, const std::string& reason) {
  const Attempt attempt = study.live(trial)->attempt;
  EndLease(state, tx, study, trial, outcome, next, reason);
  PushCommand(state, tx, attempt.worker, {CommandKind::kStop, {study.id(), trial, attempt.token}});
}

void EndTrial(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, TrialState next,
              const std::string& reason) {
  if (study.live(trial) != nullptr) {
    const auto outcome = next == TrialState::kPruned ? AttemptOutcome::kPruned : AttemptOutcome::kCancelled;
    RevokeLease(state, tx, study, trial, outcome, next, reason);
    return;
  }
  study.SetTrialState(tx, trial, next, reason);
  AfterEnd(tx, study, trial, 0);
}

void FailAttempt(State& state, Transaction& tx, LiveStudy& study, TrialNumber trial, const std::string& reason) {
  CountFailure(state, tx, study, trial);
  const int64_t limit = study.spec().retry.max_attempts;
  if (study.trial(trial).stuck_failures >= limit) {
    EndLease(state, tx, study, trial, AttemptOutcome::kFailed, TrialState::kFailed, reason);
  } else {
    EndLease(state, tx, study, trial, AttemptOutcome::kFailed, TrialState::kWaiting, reason);
  }
}

void EndStudy(State& state, Transaction& tx, LiveStudy& study, StudyState next, const std::string& reason) {
  study.StopPromoting();
  const TrialState trial_end = next == StudyState::kCompleted ? TrialState::kPruned : TrialState::kCancelled;
  for (const Trial& trial : study.trials()) {
    if (!IsFinished(trial.state)) EndTrial(state, tx, study, trial.number, trial_end, reason);
  }
  study.SetState(tx, next, reason);
  if (next != StudyState::kCancelled) return;
  // Nothing of it can be retried any more.
  for (const Trial& trial : study.trials()) DropUnneeded(tx, study, trial.number);
}

std::optional<Promotion> FindFinalist(const LiveStudy& study) {
  if (study.rule() == nullptr) return std::nullopt;
  const int64_t under_way = study.Count(TrialState::kRunning);
  if (study.running_finalists() < under_way) return std::nullopt;
  return study.rule()->NextFinalist(study.stopping_view(), study.completed_at_max() + under_way);
}

NextWork FindWork(const LiveStudy& study) {
  if (!study.waiting().empty()) return NextWork::kRequeued;
  if (study.rule() != nullptr && study.rule()->NextPromotion(study.stopping_view()).has_value()) {
    return NextWork::kPromotion;
  }
  if (study.MayCreateTrial()) return NextWork::kNewTrial;
  if (study.Count(TrialState::kPaused) > 0 && FindFinalist(study).has_value()) return NextWork::kFinalist;
  return NextWork::kNone;
}

void CheckMaxFailures(State& state, Transaction& tx, LiveStudy& study) {
  const auto& max_failures = study.spec().budget.max_failures;
  if (!max_failures.has_value() || study.Count(TrialState::kFailed) < *max_failures) return;
  EndStudy(state, tx, study, StudyState::kFailed,
           absl::StrCat("max_failures reached: ", *max_failures, " trials FAILED"));
}

bool ReachesTarget(const StudySpec& spec, double value) {
  if (!spec.budget.target.has_value() || !std::isfinite(value)) return false;
  const Goal goal = spec.objective().goal;
  return Orient(goal, value) <= Orient(goal, *spec.budget.target);
}

void Settle(State& state, Transaction& tx, LiveStudy& study) {
  if (study.record().state != StudyState::kActive) return;
  if (study.Count(TrialState::kRunning) > 0 || FindWork(study) != NextWork::kNone) return;
  study.StopPromoting();
  for (const Trial& trial : study.trials()) {
    if (trial.state == TrialState::kPaused) {
      EndTrial(state, tx, study, trial.number, TrialState::kPruned, "not promoted before the end of the study");
    }
  }
  study.SetState(tx, StudyState::kCompleted, "every trial has ended");
}

}  // namespace athanor
