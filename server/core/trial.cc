#include "server/core/trial.h"

namespace athanor {

const char* ToString(TrialState state) {
  switch (state) {
    case TrialState::kWaiting:
      return "WAITING";
    case TrialState::kRunning:
      return "RUNNING";
    case TrialState::kPaused:
      return "PAUSED";
    case TrialState::kCompleted:
      return "COMPLETED";
    case TrialState::kPruned:
      return "PRUNED";
    case TrialState::kFailed:
      return "FAILED";
    case TrialState::kInfeasible:
      return "INFEASIBLE";
    case TrialState::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

const char* ToString(StudyState state) {
  switch (state) {
    case StudyState::kActive:
      return "ACTIVE";
    case StudyState::kPaused:
      return "PAUSED";
    case StudyState::kCompleted:
      return "COMPLETED";
    case StudyState::kCancelled:
      return "CANCELLED";
    case StudyState::kFailed:
      return "FAILED";
  }
  return "UNKNOWN";
}

const char* ToString(AttemptOutcome outcome) {
  switch (outcome) {
    case AttemptOutcome::kLive:
      return "LIVE";
    case AttemptOutcome::kCompleted:
      return "COMPLETED";
    case AttemptOutcome::kPaused:
      return "PAUSED";
    case AttemptOutcome::kPruned:
      return "PRUNED";
    case AttemptOutcome::kFailed:
      return "FAILED";
    case AttemptOutcome::kInfeasible:
      return "INFEASIBLE";
    case AttemptOutcome::kCancelled:
      return "CANCELLED";
    case AttemptOutcome::kLost:
      return "LOST";
    case AttemptOutcome::kPreempted:
      return "PREEMPTED";
  }
  return "UNKNOWN";
}

const char* ToString(Action action) {
  switch (action) {
    case Action::kContinue:
      return "CONTINUE";
    case Action::kPause:
      return "PAUSE";
    case Action::kPrune:
      return "PRUNE";
  }
  return "UNKNOWN";
}

const Environment& EnvironmentOf(const Attempt& attempt) {
  static const Environment kUnknown;
  return attempt.environment == nullptr ? kUnknown : *attempt.environment;
}

}  // namespace athanor
