#include "server/rpc/attempt_check.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace athanor {
namespace {

using Answer = std::function<void(absl::StatusOr<KnownAttempt>)>;

// `dead` says what a lease that never was one is told.
void FindStored(ServiceContext& context, const LeaseRef& lease, TrialStanding trial, const absl::Status& dead,
                const Answer& done) {
  const absl::Status posted = context.reads.Post([&context, lease, trial, dead, done] {
    const absl::StatusOr<std::vector<Attempt>> attempts = context.store.ReadAttempts(lease.study, lease.trial);
    if (!attempts.ok()) return done(absl::IsNotFound(attempts.status()) ? dead : attempts.status());
    const auto attempt = std::ranges::find(*attempts, lease.token, &Attempt::token);
    if (attempt == attempts->end()) return done(dead);
    done(KnownAttempt{attempt->outcome, trial});
  });
  if (!posted.ok()) done(posted);
}

}  // namespace

TrialStanding StandingOf(const State& state, const TrialKey& trial) {
  const auto study = state.studies.find(trial.study);
  if (study == state.studies.end() || !study->second->HasTrial(trial.trial)) return TrialStanding::kGone;
  return IsFinished(study->second->trial(trial.trial).state) ? TrialStanding::kEnded : TrialStanding::kUnfinished;
}

void FindAttempt(ServiceContext& context, const LeaseRef& lease, Answer done) {
  const absl::Status posted = context.owner.Post([&context, lease, done](Transaction&) -> Owner::Reply {
    State& state = context.coordinator.state();
    const absl::Status live = state.FindLease(lease).status();
    return [&context, lease, done, live,
            trial = StandingOf(state, {lease.study, lease.trial})](const absl::Status& commit) {
      if (!commit.ok()) return done(commit);
      if (live.ok()) return done(KnownAttempt{AttemptOutcome::kLive, trial});
      if (!absl::IsFailedPrecondition(live) || trial == TrialStanding::kGone) return done(live);
      FindStored(context, lease, trial, live, done);
    };
  });
  if (!posted.ok()) done(posted);
}

}  // namespace athanor
