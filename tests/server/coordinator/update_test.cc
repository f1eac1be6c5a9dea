// Changing the budget and the priority of a study while it runs, and after.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using enum StudyField;

StudyUpdate Trials(std::optional<int64_t> trials) {
  StudyUpdate update{.fields = {kTrials}};
  update.budget.trials = trials;
  return update;
}
StudyUpdate Parallel(int64_t parallel) {
  StudyUpdate update{.fields = {kParallel}};
  update.budget.parallel = parallel;
  return update;
}
StudyUpdate WallClock(std::optional<int64_t> ms) {
  StudyUpdate update{.fields = {kWallClock}};
  update.budget.wall_clock_ms = ms;
  return update;
}
StudyUpdate MaxFailures(std::optional<int64_t> max_failures) {
  StudyUpdate update{.fields = {kMaxFailures}};
  update.budget.max_failures = max_failures;
  return update;
}
StudyUpdate Target(std::optional<double> target) {
  StudyUpdate update{.fields = {kTarget}};
  update.budget.target = target;
  return update;
}
StudyUpdate Priority(int64_t priority) { return {.fields = {kPriority}, .priority = priority}; }

class UpdateTest : public ::testing::Test {
 protected:
  UpdateTest() { coordinator_.Register("w"); }

  absl::Status Update(StudyId study, const StudyUpdate& update, const std::string& request_id = "") {
    return coordinator_
        .Run([&](Transaction& tx) {
          return coordinator_.coordinator().studies().Update(tx, absl::StrCat(study), update,
                                                             {request_id, "UpdateStudy", "f"});
        })
        .status();
  }
  absl::Status SetTrials(StudyId study, std::optional<int64_t> trials) { return Update(study, Trials(trials)); }
  void TrainAll(double value = 0.5) {
    for (Grants grants = coordinator_.Acquire("w"); !grants.empty(); grants = coordinator_.Acquire("w")) {
      coordinator_.Train(grants[0], [=](int64_t) { return value; });
    }
  }
  void FailOne(StudyId study) {
    while (true) {
      const Grants grants = coordinator_.Acquire("w");
      ASSERT_THAT(grants, SizeIs(1));
      if (coordinator_.Finish(grants[0], AttemptOutcome::kFailed) == TrialState::kFailed) break;
    }
    ASSERT_GT(coordinator_.study(study).Count(TrialState::kFailed), 0);
  }
  size_t Created(StudyId study) { return coordinator_.study(study).trials().size(); }

  TestCoordinator coordinator_;
};

TEST_F(UpdateTest, RaisedTrialsTakeACompletedStudyBackToActiveAndAreSpentExactly) {
  const StudyId study = coordinator_.Create(SmallStudy("a", 2));
  TrainAll();
  ASSERT_EQ(coordinator_.state(study), StudyState::kCompleted);
  ASSERT_TRUE(SetTrials(study, 5).ok());
  EXPECT_EQ(coordinator_.state(study), StudyState::kActive);
  EXPECT_EQ(coordinator_.study(study).record().reason, "");
  EXPECT_EQ(coordinator_.study(study).record().ended, WallTime{});
  TrainAll();
  EXPECT_EQ(coordinator_.state(study), StudyState::kCompleted);
  EXPECT_EQ(Created(study), 5);
  EXPECT_EQ(coordinator_.trial(study, 4).suggestion_index, 4);  // as if it had been asked for at once
  EXPECT_EQ(coordinator_.MemoryText(), coordinator_.StoreText());
}

TEST_F(UpdateTest, PausedTrialsThatWerePrunedAtTheEndStayPruned) {
  const StudyId study = coordinator_.Create(AshaStudy("a", 4));
  TrainAll();
  ASSERT_EQ(coordinator_.state(study), StudyState::kCompleted);
  const int64_t pruned = coordinator_.study(study).Count(TrialState::kPruned);
  ASSERT_EQ(pruned, 3);
  ASSERT_TRUE(SetTrials(study, 5).ok());
  EXPECT_EQ(coordinator_.study(study).Count(TrialState::kPruned), pruned);
  TrainAll();
  EXPECT_EQ(coordinator_.state(study), StudyState::kCompleted);
  EXPECT_EQ(Created(study), 5);
}

TEST_F(UpdateTest, HistoryOfACompletedStudyIsThereAgain) {
  StudySpec spec = SmallStudy("a", 5);
  spec.early_stopping = MedianStopping{};
  const StudyId study = coordinator_.Create(spec);
  TrainAll(0.9);
  coordinator_.Reopen();  // an ended study is loaded without it
  ASSERT_TRUE(SetTrials(study, 6).ok());
  TrainAll(0.1);
  EXPECT_EQ(coordinator_.state(study, 5), TrialState::kPruned);
}

TEST_F(UpdateTest, FewerTrialsThanThereAreOrAreQueuedAreRefused) {
  const StudyId study = coordinator_.Create(SmallStudy("a", 10));
  ASSERT_THAT(coordinator_.Acquire("w", 3), SizeIs(3));
  ASSERT_TRUE(coordinator_.Enqueue(study, {{"learning_rate", 0.1}}).ok());
  const absl::Status status = SetTrials(study, 3);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "budget.trials: 3 is below the 4 that were created or are queued; want int >= 4");
  EXPECT_EQ(coordinator_.study(study).spec().budget.trials, 10);
  ASSERT_TRUE(SetTrials(study, 4).ok());
  TrainAll();
  EXPECT_EQ(Created(study), 4);
}

TEST_F(UpdateTest, StudyEndsAtOnceWhenNothingIsLeftOfAnyLimit) {
  const StudyId trials = coordinator_.Create(SmallStudy("trials", 10));
  coordinator_.Train(coordinator_.Acquire("w").at(0), [](int64_t) { return 0.7; });
  ASSERT_TRUE(SetTrials(trials, 1).ok());
  EXPECT_EQ(coordinator_.state(trials), StudyState::kCompleted);

  const StudyId target = coordinator_.Create(SmallStudy("target", 10));
  coordinator_.Train(coordinator_.Acquire("w").at(0), [](int64_t) { return 0.7; });
  ASSERT_TRUE(Update(target, Target(0.8)).ok());
  EXPECT_EQ(coordinator_.state(target), StudyState::kActive);
  ASSERT_TRUE(Update(target, Target(0.7)).ok());
  EXPECT_EQ(coordinator_.state(target), StudyState::kCompleted);
  EXPECT_EQ(coordinator_.study(target).record().reason, "target 0.7 reached by trial 0 at step 1");

  const StudyId failures = coordinator_.Create(SmallStudy("failures", 10));
  FailOne(failures);
  ASSERT_TRUE(Update(failures, MaxFailures(1)).ok());
  EXPECT_EQ(coordinator_.state(failures), StudyState::kFailed);

  const StudyId clock = coordinator_.Create(SmallStudy("clock", 10));
  coordinator_.Advance(std::chrono::seconds(20));
  ASSERT_TRUE(Update(clock, WallClock(10'000)).ok());
  ASSERT_TRUE(coordinator_.Tick().ok());
  EXPECT_EQ(coordinator_.state(clock), StudyState::kCompleted);
}

TEST_F(UpdateTest, RaisedMaxFailuresTakeAFailedStudyBackToActive) {
  StudySpec spec = SmallStudy("a", 10);
  spec.budget.max_failures = 1;
  const StudyId study = coordinator_.Create(spec);
  FailOne(study);
  ASSERT_EQ(coordinator_.state(study), StudyState::kFailed);
  ASSERT_TRUE(Update(study, Priority(3)).ok());
  EXPECT_EQ(coordinator_.state(study), StudyState::kFailed);
  ASSERT_TRUE(Update(study, MaxFailures(2)).ok());
  EXPECT_EQ(coordinator_.state(study), StudyState::kActive);
  coordinator_.Register("other");  // "w" has failed too often
  EXPECT_THAT(coordinator_.Acquire("other"), SizeIs(1));
}

TEST_F(UpdateTest, StudyWithoutRoomStaysAsItEnded) {
  StudySpec spec = SmallStudy("a", 10);
  spec.budget.target = 0.6;
  const StudyId study = coordinator_.Create(spec);
  TrainAll(0.7);
  ASSERT_EQ(coordinator_.state(study), StudyState::kCompleted);
  ASSERT_TRUE(SetTrials(study, 20).ok());  // the target is still reached
  EXPECT_EQ(coordinator_.state(study), StudyState::kCompleted);
  ASSERT_TRUE(Update(study, Target(std::nullopt)).ok());
  EXPECT_EQ(coordinator_.state(study), StudyState::kActive);
}

TEST_F(UpdateTest, ParallelTakesEffectAtOnceAndEndsNoLease) {
  StudySpec spec = SmallStudy("a", 10);
  spec.budget.parallel = 1;
  const StudyId study = coordinator_.Create(spec);
  ASSERT_THAT(coordinator_.Acquire("w"), SizeIs(1));
  coordinator_.Register("v");
  const auto poll = coordinator_.Park("v", std::chrono::seconds(20), 2);
  ASSERT_FALSE(poll->answer.has_value());
  ASSERT_TRUE(Update(study, Parallel(3)).ok());
  EXPECT_THAT(**poll->answer, SizeIs(2));
  ASSERT_TRUE(Update(study, Parallel(1)).ok());
  EXPECT_EQ(coordinator_.study(study).Count(TrialState::kRunning), 3);
  EXPECT_THAT(coordinator_.Acquire("w"), IsEmpty());
  ASSERT_TRUE(Update(study, Parallel(0)).ok());  // no limit
  EXPECT_THAT(coordinator_.Acquire("w", 4), SizeIs(4));
}

TEST_F(UpdateTest, PriorityDecidesWhoIsServedNext) {
  const StudyId first = coordinator_.Create(SmallStudy("first", 10));
  const StudyId second = coordinator_.Create(SmallStudy("second", 10));
  EXPECT_EQ(coordinator_.Acquire("w").at(0).ref.study, first);
  ASSERT_TRUE(Update(first, Priority(1)).ok());
  EXPECT_EQ(coordinator_.Acquire("w").at(0).ref.study, first);
  ASSERT_TRUE(Update(second, Priority(2)).ok());
  EXPECT_EQ(coordinator_.Acquire("w").at(0).ref.study, second);
}

TEST_F(UpdateTest, OnlyWhatIsNamedChangesAndItSurvivesARestart) {
  StudySpec spec = SmallStudy("a", 10);
  spec.budget.wall_clock_ms = 1000;
  spec.budget.max_failures = 4;
  const StudyId study = coordinator_.Create(spec);
  const Revision before = coordinator_.study(study).record().revision;
  StudyUpdate update{.fields = {kWallClock, kPriority}, .priority = 7};
  update.budget.trials = 99;
  ASSERT_TRUE(Update(study, update).ok());
  EXPECT_GT(coordinator_.study(study).record().revision, before);
  coordinator_.Reopen();
  const StudySpec& now = coordinator_.study(study).spec();
  EXPECT_EQ(now.priority, 7);
  EXPECT_EQ(now.budget.wall_clock_ms, std::nullopt);
  EXPECT_EQ(now.budget.trials, 10);
  EXPECT_EQ(now.budget.max_failures, 4);
}

TEST_F(UpdateTest, ValuesAreCheckedAsAtCreation) {
  const StudyId study = coordinator_.Create(SmallStudy("a", 10));
  const StudyId grid = coordinator_.Create(SmallGrid("grid"));
  const std::vector<std::tuple<StudyId, StudyUpdate, std::string>> cases = {
      {study, Trials(0), "budget.trials: 0 "},
      {study, Trials(std::nullopt), "budget.trials: nothing would end the study"},
      {study, Parallel(-1), "budget.parallel: -1 "},
      {study, WallClock(-5), "budget.wall_clock: -5ms "},
      {study, MaxFailures(0), "budget.max_failures: 0 "},
      {study, Target(NAN), "budget.target: "},
      {study, Priority(2'000'000), "priority: 2000000 "},
      {grid, Trials(7), "budget.trials: 7 is more than the grid has"},
  };
  for (const auto& [id, update, message] : cases) {
    const absl::Status status = Update(id, update);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), StartsWith(message));
  }
  EXPECT_EQ(coordinator_.study(study).record().revision, 1);
  ASSERT_TRUE(SetTrials(grid, 4).ok());
  ASSERT_TRUE(SetTrials(grid, std::nullopt).ok());  // every point
  EXPECT_EQ(coordinator_.study(grid).spec().budget.trials, 6);
}

TEST_F(UpdateTest, CancelledStudyIsNotUpdated) {
  const StudyId study = coordinator_.Create(SmallStudy("a", 10));
  ASSERT_TRUE(coordinator_.Steer(&Studies::Cancel, study).ok());
  const absl::Status status = SetTrials(study, 20);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("is CANCELLED"));
}

TEST_F(UpdateTest, RepeatedRequestChangesNothing) {
  const StudyId study = coordinator_.Create(SmallStudy("a", 10));
  const StudyUpdate twenty = Trials(20);
  ASSERT_TRUE(Update(study, twenty, "once").ok());
  ASSERT_TRUE(SetTrials(study, 30).ok());
  ASSERT_TRUE(Update(study, twenty, "once").ok());
  EXPECT_EQ(coordinator_.study(study).spec().budget.trials, 30);
}

TEST_F(UpdateTest, FailedCommitLeavesTheBudgetAsItWas) {
  const StudyId study = coordinator_.Create(SmallStudy("a", 10));
  coordinator_.memory_store().SetCommitStatus(absl::InternalError("no"));
  EXPECT_FALSE(SetTrials(study, 20).ok());
  coordinator_.memory_store().SetCommitStatus(absl::OkStatus());
  EXPECT_EQ(coordinator_.study(study).spec().budget.trials, 10);
}

}  // namespace
}  // namespace athanor::testing
