// Early stopping end to end: what rules decide is done to trials, rungs and the study. SEMANTICS section 4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using testing::AshaStoppingStudy;
using testing::AshaStudy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallStudy;
using testing::TestCoordinator;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::function<double(int64_t)> Constant(double value) {
  return [value](int64_t) { return value; };
}

// (trial, value) at a rung, best first, values in the metric's own direction (maximised here).
std::vector<std::pair<TrialNumber, double>> Entries(TestCoordinator& coordinator, StudyId study, int64_t rung) {
  std::vector<std::pair<TrialNumber, double>> entries;
  for (const auto& [value, trial] : coordinator.study(study).ladder().rung(0, rung).entries()) {
    entries.emplace_back(trial, -value);
  }
  return entries;
}

// ---- median and percentile ----

TEST(Median, PrunesATrialThatIsWorseThanTheMedianOfCompletedOnes) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 8);
  MedianStopping median;
  median.startup_trials = 3;
  spec.early_stopping = median;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  for (const double value : {0.2, 0.4, 0.6}) {
    ASSERT_EQ(coordinator.Train(coordinator.Acquire("w").at(0), Constant(value)), TrialState::kCompleted);
  }
  const Grants grants = coordinator.Acquire("w", 2);
  EXPECT_EQ(coordinator.Report(grants[0], 1, 0.4), Action::kContinue);  // as good as the median
  EXPECT_EQ(coordinator.Report(grants[0], 2, 0.1), Action::kContinue);  // its best counts
  EXPECT_EQ(coordinator.Report(grants[1], 1, 0.39), Action::kPrune);
  EXPECT_EQ(coordinator.state(study, 4), TrialState::kPruned);
  EXPECT_THAT(coordinator.trial(study, 4).reason, HasSubstr("median"));
  const DecisionRecord decision = coordinator.Decisions(study).back();
  EXPECT_EQ(decision.trial, 4);
  EXPECT_EQ(decision.action, Action::kPrune);
  EXPECT_EQ(decision.value, 0.39);
  EXPECT_EQ(decision.bound, 0.4);
  EXPECT_EQ(decision.n, 3);
  EXPECT_EQ(decision.step, 1);
}

// A study of three trials under `median`: the first is cancelled before it reports, the others COMPLETED with 0.5.
StudyId CancelOneAndTrainTwo(TestCoordinator& coordinator, int64_t startup_trials) {
  StudySpec spec = SmallStudy("s", 3);
  MedianStopping median;
  median.startup_trials = startup_trials;
  spec.early_stopping = median;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  EXPECT_EQ(coordinator.Acquire("w").at(0).ref.trial, 0);
  EXPECT_TRUE(coordinator.Cancel(study, 0).ok());
  for (int i = 0; i < 2; ++i) coordinator.Train(coordinator.Acquire("w").at(0), Constant(0.5));
  return study;
}

TEST(Median, HistoryIsThereForATrialThatIsRetriedAfterTheStudyEndedAndTheCoordinatorCameBack) {
  TestCoordinator coordinator;
  const StudyId study = CancelOneAndTrainTwo(coordinator, /*startup_trials=*/2);
  ASSERT_EQ(coordinator.state(study), StudyState::kCompleted);
  coordinator.Reopen();
  ASSERT_TRUE(coordinator.Retry(study, 0).ok());
  EXPECT_EQ(coordinator.Report(coordinator.Acquire("w").at(0), 1, 0.4), Action::kPrune);
}

TEST(Median, CountsNoCompletedTrialTwiceWhenAStudyGoesOn) {
  TestCoordinator coordinator;
  const StudyId study = CancelOneAndTrainTwo(coordinator, /*startup_trials=*/3);
  ASSERT_TRUE(coordinator.Retry(study, 0).ok());
  EXPECT_EQ(coordinator.study(study).stopping_view().history.trials(), 2);
  EXPECT_EQ(coordinator.Report(coordinator.Acquire("w").at(0), 1, 0.4), Action::kContinue);
}

TEST(Percentile, PrunesByTheInterpolatedPercentile) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 8);
  PercentileStopping percentile;
  percentile.percentile = 25;
  percentile.startup_trials = 1;
  percentile.warmup_steps = 2;
  spec.early_stopping = percentile;
  coordinator.Create(spec);
  coordinator.Register("w");
  const Grants history = coordinator.Acquire("w", 2);
  coordinator.Train(history[0], Constant(0.4));
  coordinator.Report(history[1], 1, 0.8);
  for (int64_t step = 2; step <= 9; ++step) coordinator.Report(history[1], step, 0.8);
  coordinator.Finish(history[1]);
  // Best first 0.8, 0.4: a quarter of the way is 0.7.
  const Grants grants = coordinator.Acquire("w", 2);
  EXPECT_EQ(coordinator.Report(grants[0], 1, 0.0), Action::kContinue);  // warm-up
  EXPECT_EQ(coordinator.Report(grants[0], 2, 0.71), Action::kContinue);
  EXPECT_EQ(coordinator.Report(grants[1], 2, 0.69), Action::kPrune);
}

// ---- asha ----

class Asha : public ::testing::Test {
 protected:
  void Start(int64_t trials, int64_t finalists = 1) {
    study = coordinator.Create(AshaStudy("s", trials, finalists));
    coordinator.Register("w");
  }
  LeaseGrant Next() {
    Grants grants = coordinator.Acquire("w");
    EXPECT_EQ(grants.size(), 1);
    return grants.empty() ? LeaseGrant() : grants[0];
  }
  TrialState TrainNext(double value) { return coordinator.Train(Next(), Constant(value)); }

  TestCoordinator coordinator;
  StudyId study = 0;
};

TEST_F(Asha, PausesAtEveryRungAndPromotesTheBestThirdFromItsCheckpoint) {
  Start(9);
  for (const double value : {0.1, 0.3, 0.2}) EXPECT_EQ(TrainNext(value), TrialState::kPaused);
  const LeaseGrant promoted = Next();
  EXPECT_EQ(promoted.ref.trial, 1);
  EXPECT_THAT(promoted.hold_at, ElementsAre(3));
  ASSERT_EQ(promoted.checkpoints.size(), 1);
  EXPECT_EQ(promoted.checkpoints[0].step, 1);
  EXPECT_EQ(promoted.elapsed_ms, 1000);
  EXPECT_EQ(Next().ref.trial, 3);  // one of three: nobody else
  EXPECT_EQ(coordinator.Train(promoted, Constant(0.35)), TrialState::kPaused);
  EXPECT_THAT(Entries(coordinator, study, 0), ElementsAre(std::pair(1, 0.3), std::pair(2, 0.2), std::pair(0, 0.1)));
  EXPECT_THAT(Entries(coordinator, study, 1), ElementsAre(std::pair(1, 0.35)));
}

// The checkpoint of a rung is registered before the value that enters it. An attempt that went on from it would never
// report that value.
TEST_F(Asha, ACheckpointAtARungIsNothingToGoOnFromUntilTheValueIsThere) {
  Start(9);
  for (const double value : {0.1, 0.3, 0.2}) TrainNext(value);
  const LeaseGrant promoted = Next();
  coordinator.Report(promoted, 2, 0.35);
  ASSERT_TRUE(coordinator.Checkpoint(promoted, 3).ok());
  EXPECT_EQ(coordinator.Finish(promoted, AttemptOutcome::kPreempted), TrialState::kWaiting);
  const LeaseGrant again = Next();
  EXPECT_EQ(again.ref.trial, 1);
  ASSERT_EQ(again.checkpoints.size(), 1);
  EXPECT_EQ(again.checkpoints[0].step, 1);
  EXPECT_EQ(coordinator.Train(again, Constant(0.35)), TrialState::kPaused);
  EXPECT_THAT(Entries(coordinator, study, 1), ElementsAre(std::pair(1, 0.35)));
}

TEST_F(Asha, TiesArePromotedByTheLowerNumber) {
  Start(9);
  for (int i = 0; i < 3; ++i) TrainNext(0.5);
  EXPECT_EQ(Next().ref.trial, 0);
}

TEST_F(Asha, NonFiniteValuesPauseAndAreNeverPromoted) {
  Start(3, 1);
  for (int i = 0; i < 3; ++i) TrainNext(kInfinity);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_EQ(coordinator.study(study).Count(TrialState::kPruned), 3);
}

TEST_F(Asha, AFinalistRunsToTheEndAndTheStudyPrunesThePaused) {
  Start(2);
  TrainNext(0.1);
  TrainNext(0.2);
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  const LeaseGrant finalist = Next();
  EXPECT_EQ(finalist.ref.trial, 1);
  EXPECT_THAT(finalist.hold_at, IsEmpty());
  EXPECT_FALSE(finalist.pauses_at_hold);
  EXPECT_TRUE(coordinator.trial(study, 1).finalist);
  EXPECT_THAT(coordinator.Acquire("w"), IsEmpty());  // one is enough
  EXPECT_EQ(coordinator.Train(finalist, Constant(0.3)), TrialState::kCompleted);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kPruned);
  EXPECT_THAT(coordinator.trial(study, 0).reason, HasSubstr("not promoted"));
}

TEST_F(Asha, ThePureAlgorithmHasNoFinalist) {
  Start(2, 0);
  TrainNext(0.1);
  EXPECT_EQ(TrainNext(0.2), TrialState::kPruned);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_EQ(coordinator.study(study).Count(TrialState::kPruned), 2);
}

TEST_F(Asha, FinalistsAreTakenFromTheHighestRungFirst) {
  Start(3, 2);
  for (const double value : {0.3, 0.9, 0.8}) TrainNext(value);
  EXPECT_EQ(coordinator.Train(Next(), Constant(0.1)), TrialState::kPaused);  // trial 1 at rung 1
  EXPECT_EQ(Next().ref.trial, 1);
  EXPECT_EQ(Next().ref.trial, 2);
  EXPECT_THAT(coordinator.Acquire("w"), IsEmpty());
}

TEST_F(Asha, AFinalistThatFailsIsReplaced) {
  Start(2);
  TrainNext(0.1);
  TrainNext(0.2);
  LeaseGrant finalist = Next();
  EXPECT_EQ(coordinator.Finish(finalist, AttemptOutcome::kInfeasible), TrialState::kInfeasible);
  finalist = Next();
  EXPECT_EQ(finalist.ref.trial, 0);
  EXPECT_EQ(coordinator.Train(finalist, Constant(0.1)), TrialState::kCompleted);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST_F(Asha, WaitsForRunningTrialsBeforeItChoosesFinalists) {
  Start(2);
  const LeaseGrant slow = Next();
  TrainNext(0.2);
  EXPECT_THAT(coordinator.Acquire("w"), IsEmpty());
  coordinator.Train(slow, Constant(0.9));
  EXPECT_EQ(Next().ref.trial, 0);
}

TEST_F(Asha, ATrialThatCompletesBelowARungEntersTheHigherOnesWithItsLastValue) {
  Start(9);
  const LeaseGrant lease = Next();
  ASSERT_TRUE(coordinator.Checkpoint(lease, 1).ok());
  EXPECT_EQ(coordinator.Report(lease, 1, 0.5), Action::kPause);
  TrainNext(0.1);
  TrainNext(0.2);
  const LeaseGrant promoted = Next();
  coordinator.Report(promoted, 2, 0.4);
  EXPECT_EQ(coordinator.Finish(promoted), TrialState::kCompleted);
  EXPECT_THAT(Entries(coordinator, study, 1), ElementsAre(std::pair(0, 0.4)));
  EXPECT_THAT(Entries(coordinator, study, 2), ElementsAre(std::pair(0, 0.4)));
}

TEST_F(Asha, AFailedTrialEntersTheNextRungWithTheWorstValueAndARetryReplacesIt) {
  Start(9);
  for (const double value : {0.3, 0.1, 0.2}) TrainNext(value);
  LeaseGrant promoted = Next();
  coordinator.Finish(promoted, AttemptOutcome::kInfeasible);
  EXPECT_THAT(Entries(coordinator, study, 1), ElementsAre(std::pair(0, -kInfinity)));
  EXPECT_THAT(Entries(coordinator, study, 2), IsEmpty());

  StudySpec spec = AshaStudy("retried", 3);
  spec.retry.max_attempts = 1;
  spec.priority = 1;
  const StudyId retried = coordinator.Create(spec);
  EXPECT_EQ(coordinator.Finish(Next(), AttemptOutcome::kFailed), TrialState::kFailed);
  EXPECT_THAT(Entries(coordinator, retried, 0), ElementsAre(std::pair(0, -kInfinity)));
  ASSERT_TRUE(coordinator.Retry(retried, 0).ok());
  EXPECT_THAT(Entries(coordinator, retried, 0), ElementsAre(std::pair(0, -kInfinity)));
  EXPECT_EQ(TrainNext(0.5), TrialState::kPaused);
  EXPECT_THAT(Entries(coordinator, retried, 0), ElementsAre(std::pair(0, 0.5)));
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(Asha, ACancelledTrialEntersNoRungAndItsEntriesStay) {
  Start(9);
  for (const double value : {0.3, 0.1, 0.2}) TrainNext(value);
  ASSERT_TRUE(coordinator.Cancel(study, 0).ok());
  EXPECT_EQ(Entries(coordinator, study, 0).size(), 3);
  EXPECT_THAT(Entries(coordinator, study, 1), IsEmpty());
  EXPECT_EQ(Next().ref.trial, 3);  // trial 0 holds the only place of three
}

TEST_F(Asha, RetrainingAStepWhoseRungWasEnteredMakesNoNewEntryAndContinues) {
  Start(9);
  for (const double value : {0.3, 0.1, 0.2}) TrainNext(value);
  LeaseGrant promoted = Next();
  promoted.checkpoints.clear();  // unreadable: it goes on from step 0
  EXPECT_EQ(coordinator.Report(promoted, 1, 0.9), Action::kContinue);
  EXPECT_THAT(Entries(coordinator, study, 0), ElementsAre(std::pair(0, 0.3), std::pair(2, 0.2), std::pair(1, 0.1)));
  EXPECT_EQ(coordinator.Report(promoted, 2, 0.9), Action::kContinue);
  EXPECT_EQ(coordinator.Report(promoted, 3, 0.9), Action::kPause);
}

TEST_F(Asha, ALostLeaseAfterThePromotionIsQueuedAndKeepsItsPlace) {
  Start(9);
  for (const double value : {0.3, 0.1, 0.2}) TrainNext(value);
  ASSERT_EQ(Next().ref.trial, 0);
  coordinator.Advance(std::chrono::seconds(30));
  const LeaseGrant again = Next();
  EXPECT_EQ(again.ref.trial, 0);
  EXPECT_EQ(again.checkpoints.at(0).step, 1);
  EXPECT_EQ(Next().ref.trial, 3);
}

TEST_F(Asha, EveryDecisionIsARow) {
  Start(3);
  for (const double value : {0.3, 0.1, 0.2}) TrainNext(value);
  ASSERT_EQ(Next().ref.trial, 0);
  const auto decisions = coordinator.Decisions(study);
  ASSERT_EQ(decisions.size(), 4);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(decisions[i].trial, i);
    EXPECT_EQ(decisions[i].rung, 0);
    EXPECT_EQ(decisions[i].n, i + 1);
    EXPECT_EQ(decisions[i].action, Action::kPause);
  }
  EXPECT_EQ(decisions[3].trial, 0);
  EXPECT_EQ(decisions[3].action, Action::kContinue);
  EXPECT_EQ(decisions[3].value, 0.3);
  EXPECT_EQ(decisions[3].bound, 0.3);
}

// ---- asha_stopping ----

TEST(AshaStopping, ContinuesAmongTheBestThirdAndPrunesTheRest) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(AshaStoppingStudy("s", 5));
  coordinator.Register("w");
  const Grants grants = coordinator.Acquire("w", 5);
  EXPECT_THAT(grants[0].hold_at, IsEmpty());
  EXPECT_EQ(coordinator.Report(grants[0], 1, 0.5), Action::kContinue);
  EXPECT_EQ(coordinator.Report(grants[1], 1, 0.4), Action::kPrune);
  EXPECT_EQ(coordinator.Report(grants[2], 1, 0.5), Action::kContinue);  // none strictly better
  EXPECT_EQ(coordinator.Report(grants[3], 1, kInfinity), Action::kPrune);
  EXPECT_EQ(coordinator.Report(grants[4], 3, 0.6), Action::kContinue);  // crosses two rungs
  EXPECT_THAT(Entries(coordinator, study, 1), ElementsAre(std::pair(4, 0.6)));
  EXPECT_EQ(coordinator.Report(grants[0], 3, 0.55), Action::kPrune);
  EXPECT_THAT(coordinator.trial(study, 0).reason, HasSubstr("asha_stopping at rung 1"));
  EXPECT_EQ(coordinator.Report(grants[4], 9, 0.7), Action::kContinue);
  EXPECT_EQ(coordinator.Finish(grants[4]), TrialState::kCompleted);
}

TEST(AshaStopping, TheStudyCompletesWhenItsLastTrialIsPruned) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(AshaStoppingStudy("s", 2));
  coordinator.Register("w");
  coordinator.Train(coordinator.Acquire("w").at(0), Constant(0.5));
  EXPECT_EQ(coordinator.Train(coordinator.Acquire("w").at(0), Constant(0.4)), TrialState::kPruned);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

}  // namespace
}  // namespace athanor
