// How the budget of a study changes while it runs, and what that means for its state.
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/lifecycle.h"
#include "server/coordinator/studies.h"

namespace athanor {
namespace {

// The study's spec with what `update` names in place, completed and checked as at its creation.
absl::StatusOr<StudySpec> Updated(const LiveStudy& study, const StudyUpdate& update) {
  StudySpec spec = study.spec();
  const auto take = [&](StudyField field, auto& option, const auto& wanted) {
    if (update.fields.contains(field)) option = wanted;
  };
  take(StudyField::kTrials, spec.budget.trials, update.budget.trials);
  take(StudyField::kParallel, spec.budget.parallel, update.budget.parallel);
  take(StudyField::kWallClock, spec.budget.wall_clock_ms, update.budget.wall_clock_ms);
  take(StudyField::kMaxFailures, spec.budget.max_failures, update.budget.max_failures);
  take(StudyField::kTarget, spec.budget.target, update.budget.target);
  take(StudyField::kPriority, spec.priority, update.priority);
  ATHANOR_RETURN_IF_ERROR(Complete(spec));
  const auto taken = static_cast<int64_t>(study.trials().size() + study.enqueued().size());
  if (spec.budget.trials.has_value() && *spec.budget.trials < taken) {
    return absl::InvalidArgumentError(absl::StrCat("budget.trials: ", *spec.budget.trials, " is below the ", taken,
                                                   " that were created or are queued; want int >= ", taken));
  }
  return spec;
}

// The trial whose best value is as good as the target of `spec`.
std::optional<TrialNumber> TargetReachedBy(const LiveStudy& study, const StudySpec& spec) {
  if (study.ranking().empty()) return std::nullopt;
  const TrialNumber best = study.ranking().At(0).second;
  return ReachesTarget(spec, study.trial(best).best->value) ? std::optional(best) : std::nullopt;
}

// Whether the study could go on under `spec`.
bool HasRoom(const LiveStudy& study, const StudySpec& spec, MonotonicTime now) {
  const BudgetOptions& budget = spec.budget;
  const auto created = static_cast<int64_t>(study.trials().size());
  return (!budget.trials.has_value() || created < *budget.trials) &&
         (!budget.wall_clock_ms.has_value() || study.ActiveMs(now) < *budget.wall_clock_ms) &&
         (!budget.max_failures.has_value() || study.Count(TrialState::kFailed) < *budget.max_failures) &&
         !TargetReachedBy(study, spec).has_value();
}

// A limit that was put below what has happened already.
void EndIfReached(State& state, Transaction& tx, LiveStudy& study, const std::set<StudyField>& changed) {
  if (const auto trial = TargetReachedBy(study, study.spec());
      trial.has_value() && changed.contains(StudyField::kTarget)) {
    EndStudy(state, tx, study, StudyState::kCompleted,
             absl::StrCat("target ", *study.spec().budget.target, " reached by trial ", *trial, " at step ",
                          study.trial(*trial).best->step));
  }
  if (!IsFinished(study.record().state) && changed.contains(StudyField::kMaxFailures)) {
    CheckMaxFailures(state, tx, study);
  }
  Settle(state, tx, study);
}

}  // namespace

absl::StatusOr<LiveStudy*> Studies::Update(Transaction& tx, const std::string& name, const StudyUpdate& update,
                                           const RequestKey& request) {
  ATHANOR_ASSIGN_OR_RETURN(const Call call, Open(name, request));
  if (call.repeated) return call.study;
  LiveStudy& study = *call.study;
  if (study.record().state == StudyState::kCancelled) {
    return absl::FailedPreconditionError(
        absl::StrCat("study \"", study.spec().name, "\" is CANCELLED and cannot be updated"));
  }
  ATHANOR_ASSIGN_OR_RETURN(const StudySpec spec, Updated(study, update));
  ATHANOR_RETURN_IF_ERROR(tx.writable);
  const bool ended = IsFinished(study.record().state);
  const bool goes_on = ended && HasRoom(study, spec, tx.now.monotonic);
  if (goes_on) ATHANOR_RETURN_IF_ERROR(study.LoadHistory(state_.store));
  state_.RememberRequest(tx, request, study.id(), std::nullopt);
  study.Update(tx, spec.budget, spec.priority);
  if (goes_on) study.SetState(tx, StudyState::kActive, "");
  if (!ended) EndIfReached(state_, tx, study, update.fields);
  return &study;
}

}  // namespace athanor
