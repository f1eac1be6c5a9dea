// For each invariant a history that breaks it and nothing else: the check says so in one line, and says nothing of a
// sound one.
#include "server/check/history_check.h"

#include <string>
#include <vector>

#include "tests/server/check/healthy_history.h"

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// `fact` with a change.
template <typename Fact, typename Change>
Fact With(Fact fact, Change change) {
  change(fact);
  return fact;
}

struct Case {
  std::string name;
  ChangeBatch fault;
  std::vector<std::string> found;
};

std::vector<Case> StudyCases() {
  const auto study = [](auto change) { return PutStudy{With(AshaRecord(), change)}; };
  return {
      {"TrialsWithAGap",
       {InsertTrial{1, SmallTrial(6, TrialState::kWaiting)}},
       {"study 1 \"asha\": trials: want dense from 0: trial 5, have trial 6"}},
      {"MoreTrialsThanTheBudget",
       {study([](StudyRecord& r) { r.spec.budget.trials = 4; })},
       {"study 1 \"asha\": budget.trials: want at most 4, have 5 trials, 0 enqueued"}},
      {"EnqueuedBeyondTheBudget",
       {study([](StudyRecord& r) { r.spec.budget.trials = 5; }), PushEnqueued{1, {1, {Value(0.5)}}}},
       {"study 1 \"asha\": budget.trials: want at most 5, have 5 trials, 1 enqueued"}},
      {"PriorTrialsOfNoStudyOrOutsideTheSpace",
       {AddPriorTrial{1, 0, {{Value(1.5)}, 1, 2}}},
       {"study 1 \"asha\": prior_trials[0]: want one of the 0 studies of warm_start, have study 2 of them",
        "study 1 \"asha\": prior_trials[0]: want a score in [0, 1), have 1",
        "study 1 \"asha\": prior_trials[0]: want a configuration of the search space, have "
        "parameters.x: 1.5 (float) is not one of its values; want float in [0.0, 1.0]"}},
      {"GoesOnBecauseACancelledTrialWasRetried",
       {study([](StudyRecord& r) { r.spec.budget.max_failures = 1; }),
        UpdateTrial{1, With(InfeasibleTrial(), [](Trial& t) { t.state = TrialState::kFailed; })},
        UpdateAttempt{1, Ended(3, 2, AttemptOutcome::kFailed, std::nullopt)}},
       {}},
      {"RunsOnAfterTooManyFailures",
       {study([](StudyRecord& r) { r.spec.budget.max_failures = 1; }),
        UpdateTrial{1, With(InfeasibleTrial(),
                            [](Trial& t) {
                              t.state = TrialState::kFailed;
                              t.attempts = 2;
                            })},
        UpdateAttempt{1, Ended(3, 2, AttemptOutcome::kFailed, std::nullopt)},
        InsertAttempt{1, Ended(8, 2, AttemptOutcome::kFailed, std::nullopt)}},
       {"study 1 \"asha\", trial 3: attempt 7: want ended when attempt 8 failed: 1 trials FAILED, and "
        "budget.max_failures is 1, have LIVE"}},
      {"EndedWithUnfinishedTrials",
       {PutStudy{With(GridRecord(),
                      [](StudyRecord& r) {
                        r.state = StudyState::kCompleted;
                        r.ended = At(9000);
                      })}},
       {"study 2 \"grid\", trial 0: state: want a finished one: the study is COMPLETED, have WAITING",
        "study 2 \"grid\", trial 1: state: want a finished one: the study is COMPLETED, have WAITING"}},
      {"EndWithoutATime",
       {PutStudy{With(GridRecord(), [](StudyRecord& r) { r.ended = At(9000); })}},
       {"study 2 \"grid\": ended: want none: the study has not ended, have a time"}},
      {"SuggestionUsedTwice",
       {InsertTrial{1, With(SmallTrial(5, TrialState::kWaiting), [](Trial& t) { t.suggestion_index = 4; })}},
       {"study 1 \"asha\", trial 5: suggestion_index: want one that no other trial has, have 4, as trial 4"}},
      {"GridPointRunTwice",
       {InsertTrial{2, GridTrial(2, 1)}},
       {"study 2 \"grid\", trial 2: suggestion_index: want one that no other trial has, have 1, as trial 1"}},
      {"GridPointOutside",
       {InsertTrial{2, GridTrial(2, 3)}},
       {"study 2 \"grid\", trial 2: suggestion_index: want one of the 3 points of the grid, have 3"}},
      {"GridTrialOfAnotherPoint",
       {InsertTrial{2, With(GridTrial(2, 2), [](Trial& t) { t.configuration = Configuration{Value(int64_t{2})}; })}},
       {"study 2 \"grid\", trial 2: configuration: want point 2 of the grid, have another"}},
      {"ConfigurationOutsideTheSpace",
       {InsertTrial{1, With(SmallTrial(5, TrialState::kWaiting),
                            [](Trial& t) { t.configuration = Configuration{Value(1.5)}; })}},
       {"study 1 \"asha\", trial 5: configuration: want one of the search space, have parameters.x: 1.5 (float) is "
        "not one of its values; want float in [0.0, 1.0]"}},
  };
}

std::vector<Case> AttemptCases() {
  const auto running = [](auto change) { return UpdateTrial{1, With(RunningTrial(), change)}; };
  return {
      {"RunningWithoutALiveAttempt",
       {UpdateAttempt{1, Ended(7, 3, AttemptOutcome::kLost, 0)}},
       {"study 1 \"asha\", trial 3: live attempts: want 1: it is RUNNING, have 0"}},
      {"RunningWithTwoLiveAttempts",
       {UpdateAttempt{1, Ended(6, 3, AttemptOutcome::kLive, 0)}, running([](Trial& t) { t.stuck_failures = 0; })},
       {"study 1 \"asha\", trial 3: live attempts: want 1: it is RUNNING, have 2"}},
      {"FinishedWithALiveAttempt",
       {UpdateAttempt{1, Ended(3, 2, AttemptOutcome::kLive, std::nullopt)}},
       {"study 1 \"asha\", trial 2: live attempts: want 0: it is INFEASIBLE, have 1",
        "study 1 \"asha\", trial 2: rung 0 entry: want a value of attempt 3 at or past step 1, have inf, and none was "
        "reported"}},
      {"StateThatTheLastAttemptDidNotLeadTo",
       {running([](Trial& t) { t.state = TrialState::kWaiting; }),
        UpdateAttempt{1, Ended(7, 3, AttemptOutcome::kCompleted, 0)}},
       {"study 1 \"asha\", trial 3: state: want what attempt 7 led to: it is COMPLETED, have WAITING"}},
      {"EndedAttemptWithoutATime",
       {UpdateAttempt{1, With(Ended(6, 3, AttemptOutcome::kFailed, 0), [](Attempt& a) { a.ended = WallTime{}; })}},
       {"study 1 \"asha\", trial 3: attempt 6, ended: want a time, have none"}},
      {"WrongNumberOfAttempts",
       {running([](Trial& t) { t.attempts = 3; })},
       {"study 1 \"asha\", trial 3: attempts: want 2, as there are, have 3"}},
      {"MoreStuckFailuresThanFailures",
       {running([](Trial& t) { t.stuck_failures = 2; })},
       {"study 1 \"asha\", trial 3: stuck_failures: want 0 to 1, its FAILED attempts, have 2"}},
      {"UnfinishedTrialWithAnEnd",
       {running([](Trial& t) { t.ended = At(3000); })},
       {"study 1 \"asha\", trial 3: ended: want none: it has not ended, have a time"}},
      {"LeasedTrialThatNeverStarted",
       {running([](Trial& t) { t.started = WallTime{}; })},
       {"study 1 \"asha\", trial 3: started: want a time, have none"}},
      {"FailedWithoutAnAttempt",
       {UpdateTrial{2, With(GridTrial(1, 1, TrialState::kFailed), [](Trial& t) { t.ended = At(3000); })}},
       {"study 2 \"grid\", trial 1: attempts: want at least 1: it is FAILED, have none"}},
      {"CheckpointOfAnAttemptThatDoesNotExist",
       {AddCheckpoint{1, CheckpointOf(0, 7, 3)}},
       {"study 1 \"asha\", trial 0: checkpoint at step 3: want of one of its attempts, have of token 7"}},
      {"CheckpointWithoutAHash",
       {AddCheckpoint{1, With(CheckpointOf(0, 5, 3), [](Checkpoint& c) { c.sha256 = "abc"; })}},
       {"study 1 \"asha\", trial 0: checkpoint at step 3: want a step, a size and a SHA-256, have 7 bytes, hash "
        "\"abc\""}},
  };
}

std::vector<Case> MeasurementCases() {
  const auto completed = [](auto change) { return UpdateTrial{1, With(CompletedTrial(), change)}; };
  return {
      {"RowPastTheStepThatALaterAttemptWentOnFrom",
       {UpdateAttempt{1, Ended(6, 3, AttemptOutcome::kFailed, 0)}, Loss(3, 6, 2, 0.5),
        UpdateTrial{1, With(RunningTrial(),
                            [](Trial& t) {
                              t.best = t.final = ObjectiveValue{0.5, 2};
                              t.elapsed_ms = 20;
                            })}},
       {"study 1 \"asha\", trial 3: loss at step 2 of attempt 6: want archived: attempt 7 went on from step 0, have it "
        "counts"}},
      {"ArchivedWithoutALaterAttempt",
       {ArchiveMeasurements{1, 1, 0, 0}, UpdateTrial{1, With(PausedTrial(),
                                                             [](Trial& t) {
                                                               t.best = t.final = std::nullopt;
                                                               t.elapsed_ms = 0;
                                                             })}},
       {"study 1 \"asha\", trial 1: loss at step 1 of attempt 2: want it counts: no later attempt went on from before "
        "it, "
        "have archived"}},
      {"TwoRowsThatCountAtOneStep",
       {UpdateAttempt{1, Ended(4, 0, AttemptOutcome::kPaused, 2)}, Loss(0, 1, 2, kNan)},
       {"study 1 \"asha\", trial 0: attempt 4: want measurements past step 2 that it went on from, have one at step 2",
        "study 1 \"asha\", trial 0: loss at step 2: want one row that counts, have 2"}},
      {"ReportedBeforeItsStart",
       {UpdateAttempt{1, Ended(7, 3, AttemptOutcome::kLive, std::nullopt)}},
       {"study 1 \"asha\", trial 3: attempt 7: want a resumed_step before its first measurement, have none"}},
      {"BestOfAnotherStep",
       {completed([](Trial& t) {
         t.best = ObjectiveValue{0.375, 3};
       })},
       {"study 1 \"asha\", trial 0: best_value: want 0.25 at step 9, have 0.375 at step 3"}},
      {"FinalOfAnotherValue",
       {completed([](Trial& t) {
         t.final = ObjectiveValue{kNan, 9};
       })},
       {"study 1 \"asha\", trial 0: final_value: want 0.25 at step 9, have nan at step 9"}},
      {"ElapsedOfAnotherStep",
       {completed([](Trial& t) { t.elapsed_ms = 30; })},
       {"study 1 \"asha\", trial 0: elapsed_ms: want 90, have 30"}},
      {"CompletedWithoutAValue",
       {UpdateTrial{2, With(GridTrial(1, 1, TrialState::kCompleted),
                            [](Trial& t) {
                              t.attempts = 1;
                              t.started = At(2000);
                              t.ended = At(3000);
                            })},
        InsertAttempt{2, Ended(9, 1, AttemptOutcome::kCompleted, std::nullopt)}},
       {"study 2 \"grid\", trial 1: state: want FAILED: it ended without a value of the objective, have COMPLETED"}},
  };
}

std::vector<Case> RungCases() {
  const auto entry = [](const RungEntry& e) { return PutRungEntry{1, e}; };
  return {
      {"EntryOfAnotherValue",
       {entry(Entry(0, 1, 0.5, 2))},
       {"study 1 \"asha\", trial 1: rung 0 entry: want 0.75, oriented, of attempt 2, have 0.5"}},
      {"EntryOfAnotherValueThanTheArchivedOne",
       {entry(Entry(1, 0, 0.25, 4, true))},
       {"study 1 \"asha\", trial 0: rung 1 entry: want 0.375, oriented, of attempt 4, have 0.25"}},
      {"EntryOfAnotherTrialsAttempt",
       {entry(Entry(0, 1, 0.75, 1))},
       {"study 1 \"asha\", trial 1: rung 0 entry: want by one of its attempts, have by token 1"}},
      {"EntryThatNothingWasReportedFor",
       {entry(Entry(0, 3, 0.5, 6))},
       {"study 1 \"asha\", trial 3: rung 0 entry: want inf, oriented, of attempt 6, have 0.5"}},
      {"EntryAboveAGap",
       {entry(Entry(1, 3, kInfinity, 6))},
       {"study 1 \"asha\", trial 3: rungs: want entered from 0 without gaps: rung 0, have rung 1"}},
      {"EntryBeyondTheLastRung",
       {entry(Entry(3, 0, 0.25, 5))},
       {"study 1 \"asha\", trial 0: rung 3 entry: want one of 3 rungs, have rung 3",
        "study 1 \"asha\", trial 0: rungs: want all 3: it is COMPLETED, have 4 entered"}},
      {"EntryInAnotherLadder",
       {entry(With(Entry(1, 2, kInfinity, 3), [](RungEntry& e) { e.bracket = 1; }))},
       {"study 1 \"asha\", trial 2: rung 1 entry: want in ladder 0 of the trial's bracket 0, have ladder 1"}},
      {"PromotedWithoutADecision",
       {entry(Entry(0, 2, kInfinity, 3, true))},
       {"study 1 \"asha\", trial 2: rung 0 entry: want not promoted: no decision says so, have promoted"}},
      {"DecidedButNotPromoted",
       {entry(Entry(0, 0, 0.5, 1, false))},
       {"study 1 \"asha\", trial 0: rung 0 entry: want promoted, as was decided, have not promoted"}},
      {"PausedAtNoRung",
       {UpdateTrial{1, With(RunningTrial(), [](Trial& t) { t.state = TrialState::kPaused; })},
        UpdateAttempt{1, Ended(7, 3, AttemptOutcome::kPaused, 0)}},
       {"study 1 \"asha\", trial 3: rungs: want one that it waits at: it is PAUSED, have 0 entered, none to wait at",
        "study 1 \"asha\", trial 3: attempt 7: want a decision that paused it, have none"}},
      {"InfeasibleWithoutAnEntry",
       {UpdateTrial{1, With(WaitingTrial(),
                            [](Trial& t) {
                              t.state = TrialState::kInfeasible;
                              t.attempts = 1;
                              t.started = At(2000);
                              t.ended = At(3000);
                            })},
        InsertAttempt{1, Ended(8, 4, AttemptOutcome::kInfeasible, std::nullopt)}},
       {"study 1 \"asha\", trial 4: rungs: want the next one entered with inf: it is INFEASIBLE, have 0 entered"}},
  };
}

std::vector<Case> DecisionCases() {
  const auto decision = [](const DecisionRecord& d) { return AddDecision{1, d}; };
  using enum Action;
  return {
      {"DecisionAboutAnotherTrialsAttempt",
       {decision(Decision(16, 1, 5, 1, 0, 0.75, kContinue))},
       {"study 1 \"asha\", trial 1: rung 0 entry: want promoted, as was decided, have not promoted",
        "study 1 \"asha\", trial 1: decision at revision 16: want about one of its attempts, have about token 5"}},
      {"DecisionOnAValueThatWasNotReported",
       {decision(Decision(16, 0, 5, 9, 2, kNan, kContinue))},
       {"study 1 \"asha\", trial 0: decision at revision 16: want value 0.25 of step 9, have nan"}},
      {"DecisionAtARungThatWasNotEntered",
       {decision(Decision(16, 3, 7, 1, 0, kNan, kContinue))},
       {"study 1 \"asha\", trial 3: decision at revision 16: want rung 0 entered, have it never was"}},
      {"DecisionPastTheRevisionOfTheStudy",
       {decision(Decision(21, 0, 5, 9, 2, 0.25, kContinue))},
       {"study 1 \"asha\", trial 0: decision at revision 21: want a revision up to 20 of the study, have 21"}},
      {"DecisionAboutAnEarlierAttemptAfterALaterOne",
       {decision(Decision(16, 0, 4, 3, 1, 0.375, kContinue))},
       {"study 1 \"asha\", trial 0: decision at revision 16: want about attempt 5 or a later one, have about attempt "
        "4"}},
      {"PruneThatWasNotObeyed",
       {decision(Decision(16, 0, 5, 9, 2, 0.25, kPrune))},
       {"study 1 \"asha\", trial 0: decision at revision 16: want attempt 5 ended by PRUNE, have COMPLETED"}},
  };
}

class HistoryCheckTest : public StoreContractTest {
 protected:
  std::vector<std::string> Check(const std::stop_token& stop = {}) {
    std::vector<std::string> lines;
    const auto counts = CheckHistory(
        store(), [&](const Violation& found) { lines.push_back(ToString(found)); }, stop);
    if (!counts.ok()) return {counts.status().ToString()};
    counts_ = *counts;
    return lines;
  }

  // Each in a store of its own.
  void ExpectFound(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
      SCOPED_TRACE(one.name);
      Renew();
      MustCommit(AshaHistory());
      MustCommit(GridHistory());
      ASSERT_THAT(Check(), IsEmpty());
      MustCommit(one.fault);
      Reopen();
      EXPECT_EQ(Check(), one.found);
      EXPECT_EQ(counts_.violations, std::ssize(one.found));
    }
  }

  HistoryCounts counts_;
};
ATHANOR_FOR_EVERY_STORE(HistoryCheckTest);

TEST_P(HistoryCheckTest, EmptyStoreIsSound) {
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_EQ(counts_.studies, 0);
}

TEST_P(HistoryCheckTest, SoundHistoryIsSound) {
  MustCommit(AshaHistory());
  MustCommit(GridHistory());
  EXPECT_THAT(Check(), IsEmpty());
  EXPECT_EQ(counts_.studies, 2);
  EXPECT_EQ(counts_.trials, 7);
  EXPECT_EQ(counts_.attempts, 7);
  EXPECT_EQ(counts_.measurements, 7);
}

TEST_P(HistoryCheckTest, StoppedCheckIsCancelled) {
  MustCommit(AshaHistory());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(Check(stop.get_token()), ElementsAre("CANCELLED: the check was stopped"));
}

TEST_P(HistoryCheckTest, FaultsOfStudiesAreFound) { ExpectFound(StudyCases()); }
TEST_P(HistoryCheckTest, FaultsOfAttemptsAreFound) { ExpectFound(AttemptCases()); }
TEST_P(HistoryCheckTest, FaultsOfMeasurementsAreFound) { ExpectFound(MeasurementCases()); }
TEST_P(HistoryCheckTest, FaultsOfRungsAreFound) { ExpectFound(RungCases()); }
TEST_P(HistoryCheckTest, FaultsOfDecisionsAreFound) { ExpectFound(DecisionCases()); }

}  // namespace
}  // namespace athanor
