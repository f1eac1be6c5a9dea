// A small history without a fault, for tests that put one in: a study under asha with a trial in every kind of state,
// and a grid.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "tests/server/store/store_fixture.h"

namespace athanor {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- Study 1 "asha": rungs at 1, 3 and 9; `loss` minimised ----

inline StudyRecord AshaRecord() {
  StudyRecord study = SmallStudy(1, "asha");
  AshaPromotion asha;
  asha.min_resource = 1;
  asha.max_resource = 9;
  asha.reduction_factor = 3;
  study.spec.early_stopping = asha;
  study.spec.budget.trials = 8;
  study.spec.budget.parallel = 2;
  study.spec.budget.max_failures = 2;
  study.revision = 20;
  return study;
}

// Paused at rungs 0 and 1, trained step 3 twice, ran to its end as a finalist.
inline Trial CompletedTrial() {
  Trial trial = SmallTrial(0, TrialState::kCompleted);
  trial.best = trial.final = ObjectiveValue{0.25, 9};
  trial.elapsed_ms = 90;
  trial.attempts = 3;
  trial.finalist = true;
  trial.started = At(2000);
  trial.ended = At(3000);
  return trial;
}

inline Trial PausedTrial() {
  Trial trial = SmallTrial(1, TrialState::kPaused);
  trial.best = trial.final = ObjectiveValue{0.75, 1};
  trial.elapsed_ms = 10;
  trial.attempts = 1;
  trial.started = At(2000);
  return trial;
}

inline Trial InfeasibleTrial() {
  Trial trial = SmallTrial(2, TrialState::kInfeasible);
  trial.attempts = 1;
  trial.started = At(2000);
  trial.ended = At(3000);
  return trial;
}

// Has failed once, without a value; leased again.
inline Trial RunningTrial() {
  Trial trial = SmallTrial(3, TrialState::kRunning);
  trial.best = trial.final = ObjectiveValue{kNan, 1};
  trial.elapsed_ms = 10;
  trial.attempts = 2;
  trial.stuck_failures = 1;
  trial.started = At(2000);
  return trial;
}

inline Trial WaitingTrial() { return SmallTrial(4, TrialState::kWaiting); }

inline Attempt Ended(Token token, TrialNumber trial, AttemptOutcome outcome, std::optional<int64_t> resumed_step) {
  Attempt attempt = SmallAttempt(token, trial);
  attempt.outcome = outcome;
  attempt.ended = outcome == AttemptOutcome::kLive ? WallTime{} : At(3000);
  attempt.resumed_step = resumed_step;
  return attempt;
}

inline AddMeasurement Loss(TrialNumber trial, Token token, int64_t step, double value) {
  return {1, trial, token, {step, 10 * step, {{"loss", value}}}};
}

inline RungEntry Entry(int64_t rung, TrialNumber trial, double value, Token token, bool promoted = false) {
  return {.bracket = 0, .rung = rung, .trial = trial, .value = value, .token = token, .promoted = promoted};
}

inline DecisionRecord Decision(Revision revision, TrialNumber trial, Token token, int64_t step, int64_t rung,
                               double value, Action action) {
  return {.revision = revision,
          .trial = trial,
          .token = token,
          .step = step,
          .rule = "asha",
          .rung = rung,
          .value = value,
          .bound = kNan,
          .n = 1,
          .action = action};
}

inline Checkpoint CheckpointOf(TrialNumber trial, Token token, int64_t step) {
  return {.trial = trial, .token = token, .step = step, .sha256 = std::string(64, 'a'), .size_bytes = 7};
}

inline ChangeBatch AshaHistory() {
  using enum AttemptOutcome;
  return {
      PutStudy{AshaRecord()},
      InsertTrial{1, CompletedTrial()},
      InsertTrial{1, PausedTrial()},
      InsertTrial{1, InfeasibleTrial()},
      InsertTrial{1, RunningTrial()},
      InsertTrial{1, WaitingTrial()},
      InsertAttempt{1, Ended(1, 0, kPaused, 0)},
      InsertAttempt{1, Ended(2, 1, kPaused, 0)},
      InsertAttempt{1, Ended(3, 2, kInfeasible, std::nullopt)},
      InsertAttempt{1, Ended(4, 0, kPaused, 1)},
      InsertAttempt{1, Ended(5, 0, kCompleted, 2)},
      InsertAttempt{1, Ended(6, 3, kFailed, 0)},
      InsertAttempt{1, Ended(7, 3, kLive, 0)},
      // Trial 0: attempt 4 went on from step 1, attempt 5 from step 2, which archived what attempt 4 did at step 3.
      Loss(0, 1, 1, 0.5),
      Loss(0, 4, 2, kNan),
      Loss(0, 4, 3, 0.375),
      ArchiveMeasurements{1, 0, 2, 5},
      Loss(0, 5, 3, 0.375),
      Loss(0, 5, 9, 0.25),
      Loss(1, 2, 1, 0.75),
      Loss(3, 7, 1, kNan),
      PutRungEntry{1, Entry(0, 0, 0.5, 1, true)},
      PutRungEntry{1, Entry(1, 0, 0.375, 4, true)},
      PutRungEntry{1, Entry(2, 0, 0.25, 5)},
      PutRungEntry{1, Entry(0, 1, 0.75, 2)},
      PutRungEntry{1, Entry(0, 2, kInfinity, 3)},
      AddDecision{1, Decision(3, 0, 1, 1, 0, 0.5, Action::kPause)},
      AddDecision{1, Decision(5, 1, 2, 1, 0, 0.75, Action::kPause)},
      AddDecision{1, Decision(8, 0, 4, 1, 0, 0.5, Action::kContinue)},  // promoted
      AddDecision{1, Decision(10, 0, 4, 3, 1, 0.375, Action::kPause)},
      AddDecision{1, Decision(12, 0, 5, 3, 1, 0.375, Action::kContinue)},  // promoted
      AddDecision{1, Decision(15, 0, 5, 9, 2, 0.25, Action::kContinue)},
      AddCheckpoint{1, CheckpointOf(0, 5, 9)},
      AddCheckpoint{1, CheckpointOf(1, 2, 1)},
  };
}

// ---- Study 2 "grid": x in {1, 2, 3} ----

inline StudyRecord GridRecord() {
  StudyRecord study = SmallStudy(2, "grid");
  study.spec.search.method = "grid";
  study.spec.parameters = {MakeParameter("x", ParameterType::kInt, 1, 3)};
  study.revision = 5;
  return study;
}

inline Trial GridTrial(TrialNumber number, int64_t point, TrialState state = TrialState::kWaiting) {
  Trial trial = SmallTrial(number, state);
  trial.configuration = Configuration{Value(point + 1)};
  trial.suggestion_index = point;
  return trial;
}

inline ChangeBatch GridHistory() {
  return {PutStudy{GridRecord()}, InsertTrial{2, GridTrial(0, 0)}, InsertTrial{2, GridTrial(1, 1)}};
}

}  // namespace athanor
