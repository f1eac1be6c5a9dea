// What holds of a trial and its attempts: states, outcomes, times, checkpoints.
#include <fmt/format.h>

#include <algorithm>

#include "server/check/facts.h"

namespace athanor::check {
namespace {

// Whether a trial may be in `state` after its last attempt ended with `outcome`. A trial may end without an attempt of
// its own (the study ended, a user cancelled it), and go back to WAITING after a retry.
bool Follows(TrialState state, AttemptOutcome outcome) {
  using enum AttemptOutcome;
  const bool ends_its_trial = outcome == kCompleted || outcome == kPruned || outcome == kInfeasible;
  switch (state) {
    case TrialState::kRunning:
      return outcome == kLive;
    case TrialState::kWaiting:
    case TrialState::kCancelled:
      return outcome != kLive && !ends_its_trial;
    case TrialState::kPaused:
      return outcome == kPaused;
    case TrialState::kCompleted:
      return outcome == kCompleted;
    case TrialState::kPruned:
      return outcome == kPruned || (outcome != kLive && !ends_its_trial);
    case TrialState::kFailed:
      return outcome == kFailed;
    case TrialState::kInfeasible:
      return outcome == kInfeasible;
  }
  return false;
}

// States that a trial without any attempt can be in.
bool NeedsAttempt(TrialState state) {
  return state != TrialState::kWaiting && state != TrialState::kPruned && state != TrialState::kCancelled;
}

void CheckLive(const TrialFacts& facts, const Findings& found) {
  const TrialNumber number = facts.trial.number;
  const auto live = std::ranges::count_if(
      facts.attempts, [](const AttemptFacts& one) { return one.attempt.outcome == AttemptOutcome::kLive; });
  const int64_t wanted = facts.trial.state == TrialState::kRunning ? 1 : 0;
  if (live != wanted) {
    found.OfTrial(number, "live attempts", fmt::format("{}: it is {}", wanted, ToString(facts.trial.state)),
                  fmt::format("{}", live));
  } else if (!facts.attempts.empty()) {
    const Attempt& last = facts.attempts.back().attempt;
    if (!Follows(facts.trial.state, last.outcome)) {
      found.OfTrial(number, "state",
                    fmt::format("what attempt {} led to: it is {}", last.token, ToString(last.outcome)),
                    ToString(facts.trial.state));
    }
  } else if (NeedsAttempt(facts.trial.state)) {
    found.OfTrial(number, "attempts", fmt::format("at least 1: it is {}", ToString(facts.trial.state)), "none");
  }
  for (const AttemptFacts& one : facts.attempts) {
    const bool is_live = one.attempt.outcome == AttemptOutcome::kLive;
    if (is_live == (one.attempt.ended == WallTime{})) continue;
    found.OfTrial(number, fmt::format("attempt {}, ended", one.attempt.token), is_live ? "none: it is live" : "a time",
                  is_live ? "a time" : "none");
  }
}

void CheckCounts(const TrialFacts& facts, const Findings& found) {
  const Trial& trial = facts.trial;
  const auto attempts = static_cast<int64_t>(facts.attempts.size());
  if (trial.attempts != attempts) {
    found.OfTrial(trial.number, "attempts", fmt::format("{}, as there are", attempts),
                  fmt::format("{}", trial.attempts));
  }
  const auto failed = std::ranges::count_if(
      facts.attempts, [](const AttemptFacts& one) { return one.attempt.outcome == AttemptOutcome::kFailed; });
  if (trial.stuck_failures < 0 || trial.stuck_failures > failed) {
    found.OfTrial(trial.number, "stuck_failures", fmt::format("0 to {}, its FAILED attempts", failed),
                  fmt::format("{}", trial.stuck_failures));
  }
  if (IsFinished(trial.state) == (trial.ended == WallTime{})) {
    found.OfTrial(trial.number, "ended", IsFinished(trial.state) ? "a time" : "none: it has not ended",
                  IsFinished(trial.state) ? "none" : "a time");
  }
  if ((trial.started == WallTime{}) != facts.attempts.empty()) {
    found.OfTrial(trial.number, "started", facts.attempts.empty() ? "none: it has no attempt" : "a time",
                  facts.attempts.empty() ? "a time" : "none");
  }
}

}  // namespace

void CheckAttempts(const StudyFacts&, const TrialFacts& facts, const Findings& found) {
  CheckLive(facts, found);
  CheckCounts(facts, found);
  for (const Checkpoint& checkpoint : facts.checkpoints) {
    const std::string what = fmt::format("checkpoint at step {}", checkpoint.step);
    if (facts.Find(checkpoint.token) == nullptr) {
      found.OfTrial(facts.trial.number, what, "of one of its attempts", fmt::format("of token {}", checkpoint.token));
    }
    if (checkpoint.step < 0 || checkpoint.size_bytes < 1 || checkpoint.sha256.size() != 64) {
      found.OfTrial(facts.trial.number, what, "a step, a size and a SHA-256",
                    fmt::format("{} bytes, hash \"{}\"", checkpoint.size_bytes, checkpoint.sha256));
    }
  }
}

}  // namespace athanor::check
