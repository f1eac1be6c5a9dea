// Which checkpoints stay, and which go when. server/coordinator/retention.h.
#include "server/coordinator/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using testing::AshaStudy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallStudy;
using testing::TestCoordinator;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(RetentionRule, NamesWhatIsNeededAndWhyTheRestIsNot) {
  using enum TrialState;
  struct Case {
    RetentionFacts facts;
    size_t with_retries;
    size_t without;
    std::string reason;  // without
  };
  const RetentionFacts best{.state = kCompleted, .place = 1, .keep_best = 2};
  const std::vector<Case> cases = {
      {{.state = kWaiting}, 2, 2, "WAITING, and older than its two newest"},
      {{.state = kRunning}, 2, 2, "RUNNING, and older than its two newest"},
      {{.state = kPaused, .rung_value = 0.5}, 2, 2, "PAUSED, and older than its two newest"},
      {{.state = kPaused, .rung_value = kInfinity},
       0,
       0,
       "PAUSED without a finite value: never promoted, never a finalist"},
      {best, 1, 1, "older than the newest of a trial among the best 2"},
      {{.state = kPruned, .place = 1, .keep_best = 2}, 1, 1, "older than the newest of a trial among the best 2"},
      {{.state = kCompleted, .place = 2, .keep_best = 2}, 0, 0, "COMPLETED, and not among the best 2"},
      {{.state = kCompleted, .place = 0, .keep_best = 0}, 0, 0, "COMPLETED, and not among the best 0"},
      {{.state = kInfeasible}, 0, 0, "INFEASIBLE, and not among the best 1"},
      {{.state = kFailed}, 1, 0, "FAILED; a retry trains from step 0"},
      {{.state = kFailed, .study = StudyState::kCompleted}, 1, 0, "FAILED; a retry trains from step 0"},
      {{.state = kCancelled}, 1, 0, "CANCELLED; a retry trains from step 0"},
      {{.state = kCancelled, .study = StudyState::kCancelled}, 0, 0, "its study is CANCELLED, so it cannot be retried"},
      {{.state = kFailed, .study = StudyState::kCancelled, .place = 0},
       1,
       1,
       "older than the newest of a trial among the best 1"}};
  for (const Case& wanted : cases) {
    EXPECT_EQ(Retain(wanted.facts, Retries::kResume).newest, wanted.with_retries) << wanted.reason;
    const Retention strict = Retain(wanted.facts, Retries::kFromScratch);
    EXPECT_EQ(strict.newest, wanted.without) << wanted.reason;
    EXPECT_EQ(strict.reason, wanted.reason);
  }
}

class Retaining : public ::testing::Test {
 protected:
  void Start(StudySpec spec) {
    study = coordinator.Create(std::move(spec));
    coordinator.Register("w");
  }
  // Steps of the trial's checkpoints, newest first.
  std::vector<int64_t> Steps(TrialNumber trial) {
    std::vector<int64_t> steps;
    for (const Checkpoint& checkpoint : coordinator.study(study).checkpoints(trial)) steps.push_back(checkpoint.step);
    return steps;
  }
  // The next trial leaves checkpoints of steps 1 and 2 and reports `value` at step 9.
  LeaseGrant TrainNext(double value) {
    const LeaseGrant lease = coordinator.Acquire("w").at(0);
    EXPECT_TRUE(coordinator.Checkpoint(lease, 1).ok());
    EXPECT_TRUE(coordinator.Checkpoint(lease, 2).ok());
    coordinator.Report(lease, 9, value);
    return lease;
  }
  GarbageReport Collect(GarbageMode mode, const std::string& request_id = "") {
    const auto report = coordinator.Run([&](Transaction& tx) {
      return coordinator.coordinator().checkpoints().CollectGarbage(tx, "s", mode, {request_id, "CollectGarbage", "f"});
    });
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(GarbageReport());
  }

  TestCoordinator coordinator;
  StudyId study = 0;
};

TEST_F(Retaining, TheBestOfThoseThatEndedStayWhoeverTheyAreOvertakenBy) {
  StudySpec spec = SmallStudy("s", 5);
  spec.checkpoint.keep_best = 2;
  Start(spec);
  for (const double value : {0.2, 0.4, 0.3}) coordinator.Finish(TrainNext(value));
  EXPECT_THAT(Steps(0), IsEmpty());
  EXPECT_THAT(Steps(1), ElementsAre(2));
  EXPECT_THAT(Steps(2), ElementsAre(2));
  const LeaseGrant leader = TrainNext(0.9);
  EXPECT_THAT(Steps(2), ElementsAre(2)) << "the leader still runs and may lose its lead";
  coordinator.Finish(leader);
  EXPECT_THAT(Steps(2), IsEmpty());
  EXPECT_THAT(Steps(1), ElementsAre(2));
  EXPECT_THAT(Steps(3), ElementsAre(2));
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(Retaining, TheTrialThatReachesTheTargetKeepsItsCheckpointThoughItIsPruned) {
  StudySpec spec = SmallStudy("s", 5);
  spec.budget.target = 0.9;
  Start(spec);
  coordinator.Finish(TrainNext(0.5));
  TrainNext(0.95);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_EQ(coordinator.state(study, 1), TrialState::kPruned);
  EXPECT_THAT(Steps(1), ElementsAre(2));
  EXPECT_THAT(Steps(0), IsEmpty());
}

TEST_F(Retaining, ACancelledStudyKeepsItsBestOnly) {
  Start(SmallStudy("s", 5));
  coordinator.Finish(TrainNext(0.5));
  coordinator.Finish(TrainNext(0.2), AttemptOutcome::kInfeasible);
  ASSERT_TRUE(coordinator.Cancel(study, TrainNext(0.3).ref.trial).ok());
  EXPECT_THAT(Steps(2), ElementsAre(2)) << "it may be retried";
  const LeaseGrant running = coordinator.Acquire("w").at(0);
  ASSERT_TRUE(coordinator.Checkpoint(running, 1).ok());
  ASSERT_TRUE(coordinator.Steer(&Studies::Cancel, study).ok());
  EXPECT_THAT(Steps(0), ElementsAre(2));
  for (const TrialNumber trial : {1, 2, 3}) EXPECT_THAT(Steps(trial), IsEmpty()) << trial;
}

TEST_F(Retaining, APausedTrialWithoutAFiniteValueLosesItsCheckpointsAndTheRestOfThePausedAtTheEnd) {
  Start(AshaStudy("s", 3, 0));
  coordinator.Train(coordinator.Acquire("w").at(0), [](int64_t) { return kInfinity; });
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kPaused);
  EXPECT_THAT(Steps(0), IsEmpty());
  coordinator.Train(coordinator.Acquire("w").at(0), [](int64_t) { return 0.5; });
  EXPECT_THAT(Steps(1), ElementsAre(1));
  coordinator.Train(coordinator.Acquire("w").at(0), [](int64_t) { return 0.25; });
  const LeaseGrant promoted = coordinator.Acquire("w").at(0);
  EXPECT_EQ(promoted.ref.trial, 1);
  coordinator.Train(promoted, [](int64_t) { return 0.5; });
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_THAT(Steps(1), ElementsAre(3));
  EXPECT_THAT(Steps(2), IsEmpty());
}

TEST_F(Retaining, AnAttemptThatGoesOnFromAnEarlierStepRemovesTheCheckpointsPastIt) {
  Start(SmallStudy("s", 1));
  LeaseGrant lease = TrainNext(0.5);
  coordinator.Finish(lease, AttemptOutcome::kPreempted);
  lease = coordinator.Acquire("w").at(0);
  ASSERT_EQ(lease.checkpoints.size(), 2);
  lease.checkpoints.erase(lease.checkpoints.begin());  // unreadable
  ASSERT_TRUE(coordinator.Checkpoint(lease, 2).ok()) << "saved before the first report";
  coordinator.Report(lease, 2, 0.25);
  ASSERT_THAT(Steps(0), ElementsAre(2));
  EXPECT_EQ(coordinator.study(study).checkpoints(0)[0].token, lease.ref.token);
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(Retaining, GarbageIsWhatOnlyARetryWouldUseAndADryRunDeletesNothing) {
  Start(SmallStudy("s", 4));
  coordinator.Finish(TrainNext(0.5));
  ASSERT_TRUE(coordinator.Cancel(study, TrainNext(0.3).ref.trial).ok());
  const LeaseGrant running = TrainNext(0.1);
  for (const GarbageMode mode : {GarbageMode::kDryRun, GarbageMode::kDelete}) {
    const GarbageReport report = Collect(mode, mode == GarbageMode::kDelete ? "once" : "dry");
    ASSERT_EQ(report.deleted.size(), 1);
    EXPECT_EQ(report.deleted[0].checkpoint.trial, 1);
    EXPECT_EQ(report.deleted[0].checkpoint.step, 2);
    EXPECT_THAT(report.deleted[0].reason, HasSubstr("retry"));
    EXPECT_EQ(report.deleted_bytes, 10);
    EXPECT_EQ(report.kept, 3);
    EXPECT_EQ(report.kept_bytes, 30);
  }
  EXPECT_THAT(Steps(0), ElementsAre(2));
  EXPECT_THAT(Steps(1), IsEmpty());
  EXPECT_THAT(Steps(2), ElementsAre(2, 1));
  ASSERT_TRUE(coordinator.Retry(study, 1).ok());
  EXPECT_THAT(coordinator.Acquire("w").at(0).checkpoints, IsEmpty());
  EXPECT_EQ(coordinator.MemoryText(), coordinator.StoreText());
}

TEST_F(Retaining, ARepeatedCollectionDeletesNothingMoreAndTellsWhatTheFirstDid) {
  Start(SmallStudy("s", 5));
  ASSERT_TRUE(coordinator.Cancel(study, TrainNext(0.3).ref.trial).ok());
  EXPECT_THAT(Collect(GarbageMode::kDelete, "nothing").deleted, IsEmpty()) << "the best of the ended";
  ASSERT_TRUE(coordinator.Cancel(study, TrainNext(0.2).ref.trial).ok());
  ASSERT_EQ(Collect(GarbageMode::kDelete, "once").deleted.size(), 1);
  ASSERT_TRUE(coordinator.Cancel(study, TrainNext(0.1).ref.trial).ok());
  for (int i = 0; i < 2; ++i) {
    const GarbageReport repeated = Collect(GarbageMode::kDelete, "once");
    ASSERT_EQ(repeated.deleted.size(), 1);
    EXPECT_EQ(repeated.deleted[0].checkpoint.trial, 1);
    EXPECT_EQ(repeated.deleted[0].checkpoint.step, 2);
    EXPECT_EQ(repeated.deleted[0].reason, "CANCELLED; a retry trains from step 0");
    EXPECT_EQ(repeated.deleted_bytes, 10);
    EXPECT_EQ(repeated.kept, 2);
    EXPECT_THAT(Steps(2), ElementsAre(2));
    EXPECT_THAT(Collect(GarbageMode::kDelete, "nothing").deleted, IsEmpty());
    coordinator.Reopen();
  }
  EXPECT_EQ(Collect(GarbageMode::kDelete, "twice").deleted.size(), 1);
  EXPECT_THAT(Steps(2), IsEmpty());
}

// What a client that wants the checkpoint of a trial is given.
class FindingCheckpoints : public Retaining {
 protected:
  // The step of it, or why there is none.
  std::string Find(TrialNumber trial, CheckpointChoice choice = CheckpointChoice::kBest) {
    const auto found = coordinator.coordinator().checkpoints().Find("s", trial, choice);
    if (found.ok()) return std::to_string(found->step);
    EXPECT_EQ(found.status().code(), absl::StatusCode::kNotFound);
    return std::string(found.status().message());
  }
};

TEST_F(FindingCheckpoints, TheBestModelIsInTheOldestThatWasSavedAtItsStepOrLater) {
  Start(SmallStudy("s", 2));
  const LeaseGrant lease = coordinator.Acquire("w").at(0);
  EXPECT_THAT(Find(0), HasSubstr("has no checkpoint: none was uploaded"));
  coordinator.Report(lease, 1, 0.5);
  ASSERT_TRUE(coordinator.Checkpoint(lease, 1).ok());
  EXPECT_EQ(Find(0), "1");
  coordinator.Report(lease, 2, 0.4);
  ASSERT_TRUE(coordinator.Checkpoint(lease, 2).ok());
  EXPECT_EQ(Find(0), "1");
  EXPECT_EQ(Find(0, CheckpointChoice::kNewest), "2");
  coordinator.Report(lease, 3, 0.9);
  EXPECT_EQ(Find(0), "2") << "the best until then";
  EXPECT_EQ(Find(0, CheckpointChoice::kNewest), "2");
}

TEST_F(FindingCheckpoints, OfATrialThatWasStoppedBetweenTwoItIsTheNewest) {
  StudySpec spec = SmallStudy("s", 2);
  spec.budget.target = 0.9;
  Start(spec);
  const LeaseGrant lease = coordinator.Acquire("w").at(0);
  ASSERT_TRUE(coordinator.Checkpoint(lease, 1).ok());
  EXPECT_EQ(Find(0), "1") << "it has no value yet";
  coordinator.Report(lease, 1, 0.5);
  coordinator.Report(lease, 2, 0.95);
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kPruned);
  EXPECT_EQ(Find(0), "1");
  EXPECT_EQ(Find(0, CheckpointChoice::kNewest), "1");
}

// A trial that pauses at a rung leaves the checkpoint of the rung; pruned there at the end of the study, it keeps it if
// it is among the best.
TEST_F(FindingCheckpoints, OfATrialThatIsPrunedAtItsRungItIsThatOfTheRung) {
  StudySpec spec = AshaStudy("s", 2, 0);
  spec.checkpoint.keep_best = 2;
  Start(spec);
  for (const double value : {0.5, 0.25})
    coordinator.Train(coordinator.Acquire("w").at(0), [=](int64_t) { return value; });
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  for (const TrialNumber trial : {0, 1}) {
    EXPECT_EQ(coordinator.state(study, trial), TrialState::kPruned);
    EXPECT_EQ(Find(trial), "1");
  }
}

TEST_F(FindingCheckpoints, WhatRetentionRemovedIsToldWithItsReason) {
  Start(SmallStudy("s", 2));
  for (const double value : {0.2, 0.4}) {
    const LeaseGrant lease = coordinator.Acquire("w").at(0);
    coordinator.Report(lease, 9, value);
    ASSERT_TRUE(coordinator.Checkpoint(lease, 9).ok());  // the final one
    EXPECT_EQ(coordinator.Finish(lease), TrialState::kCompleted);
  }
  EXPECT_EQ(Find(0), "trial 0 of study \"s\" has no checkpoint any more: COMPLETED, and not among the best 1");
  EXPECT_EQ(Find(1), "9");
  EXPECT_THAT(Find(2), HasSubstr("trial 2"));
}

TEST_F(FindingCheckpoints, TheEndIsSavedWhereACheckpointMayBeKept) {
  StudySpec without = SmallStudy("without", 1);
  without.checkpoint.keep_best = 0;
  Start(SmallStudy("s", 1));
  EXPECT_TRUE(coordinator.Acquire("w").at(0).final_checkpoint);
  coordinator.Create(without);
  EXPECT_FALSE(coordinator.Acquire("w").at(0).final_checkpoint);
}

}  // namespace
}  // namespace athanor
