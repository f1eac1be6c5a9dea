// Attempts that fail: when a trial is given up, and when a worker is. SEMANTICS section 3.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/check/history_check.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::minutes;
using std::chrono::nanoseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallStudy;
using testing::TestCoordinator;

TrialState FailNext(TestCoordinator& coordinator, const std::string& worker) {
  const Grants grants = coordinator.Acquire(worker);
  EXPECT_EQ(grants.size(), 1);
  return coordinator.Finish(grants.at(0), AttemptOutcome::kFailed);
}

// What `athanor-server check` would say.
std::vector<std::string> Violations(TestCoordinator& coordinator) {
  std::vector<std::string> lines;
  EXPECT_TRUE(
      CheckHistory(coordinator.store(), [&](const Violation& found) { lines.push_back(ToString(found)); }).ok());
  return lines;
}

TEST(MaxAttempts, AreCountedOnlyWithoutCheckpointProgress) {
  TestCoordinator coordinator;
  const StudyId study = coordinator.Create(SmallStudy("s", 1));
  coordinator.Register("w");
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kWaiting);
  for (int64_t step = 1; step <= 4; ++step) {  // each moves the newest checkpoint forward
    const LeaseGrant lease = coordinator.Acquire("w").at(0);
    ASSERT_TRUE(coordinator.Checkpoint(lease, step).ok());
    EXPECT_EQ(coordinator.Finish(lease, AttemptOutcome::kFailed), TrialState::kWaiting);
  }
  EXPECT_EQ(coordinator.trial(study, 0).stuck_failures, 1);
  const LeaseGrant same_step = coordinator.Acquire("w").at(0);
  ASSERT_TRUE(coordinator.Checkpoint(same_step, 4).ok());  // no further than the one before
  EXPECT_EQ(coordinator.Finish(same_step, AttemptOutcome::kFailed), TrialState::kWaiting);
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kFailed);
  EXPECT_EQ(coordinator.trial(study, 0).attempts, 7);
  EXPECT_EQ(coordinator.trial(study, 0).reason, "as the test says");
}

TEST(MaxAttempts, AreNotUsedUpByLostLeasesOrPreemption) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 1);
  spec.retry.max_attempts = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(coordinator.Acquire("w").size(), 1);
    coordinator.Advance(std::chrono::seconds(30));
    coordinator.Finish(coordinator.Acquire("w").at(0), AttemptOutcome::kPreempted);
  }
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kFailed);
}

TEST(MaxAttempts, AreCountedAnewAfterARetry) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 1);
  spec.retry.max_attempts = 2;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kWaiting);
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kFailed);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  ASSERT_EQ(coordinator.Retry(study, 0).value(), TrialState::kWaiting);
  EXPECT_EQ(coordinator.trial(study, 0).reason, "");
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kWaiting);
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kFailed);
}

TEST(Retry, IsForFailedAndCancelledTrialsOnly) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 5);
  spec.retry.max_attempts = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  const Grants grants = coordinator.Acquire("w", 5);
  coordinator.Train(grants[0], [](int64_t) { return 0.5; });
  coordinator.Finish(grants[1], AttemptOutcome::kInfeasible);
  ASSERT_TRUE(coordinator.Cancel(study, 2).ok());
  coordinator.Finish(grants[3], AttemptOutcome::kFailed);
  for (const TrialNumber refused : {0, 1, 4}) {
    EXPECT_EQ(coordinator.Retry(study, refused).status().code(), absl::StatusCode::kFailedPrecondition) << refused;
  }
  EXPECT_EQ(coordinator.Retry(study, 5).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(coordinator.Retry(study, 2).value(), TrialState::kWaiting);
  EXPECT_EQ(coordinator.Retry(study, 3).value(), TrialState::kWaiting);
}

TEST(Retry, TakesAFailedStudyBackToActive) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 2);
  spec.retry.max_attempts = 1;
  spec.budget.max_failures = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kFailed);
  ASSERT_EQ(coordinator.state(study), StudyState::kFailed);
  ASSERT_TRUE(coordinator.Retry(study, 0).ok());
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  EXPECT_EQ(coordinator.study(study).record().reason, "");
  EXPECT_EQ(coordinator.Train(coordinator.Acquire("w").at(0), [](int64_t) { return 0.5; }), TrialState::kCompleted);
  EXPECT_EQ(coordinator.Train(coordinator.Acquire("w").at(0), [](int64_t) { return 0.5; }), TrialState::kCompleted);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST(Retry, OfACancelledTrialRunsAlthoughMaxFailuresWasReached) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 3);
  spec.retry.max_attempts = 1;
  spec.budget.max_failures = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  const Grants grants = coordinator.Acquire("w", 2);
  coordinator.Finish(grants[0], AttemptOutcome::kFailed);
  ASSERT_EQ(coordinator.state(study, 1), TrialState::kCancelled);
  ASSERT_TRUE(coordinator.Retry(study, 1).ok());
  const Grants again = coordinator.Acquire("w", 2);
  ASSERT_EQ(again.size(), 2);
  coordinator.Train(again[1], [](int64_t) { return 0.5; });
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  EXPECT_THAT(Violations(coordinator), IsEmpty());
  EXPECT_EQ(coordinator.Train(again[0], [](int64_t) { return 0.5; }), TrialState::kCompleted);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST(Retry, OfACancelledTrialLetsTheStudyGoOnUntilTheNextFailure) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 9);
  spec.retry.max_attempts = 1;
  spec.budget.max_failures = 1;
  const StudyId study = coordinator.Create(spec);
  for (const char* worker : {"w", "v"}) coordinator.Register(worker);
  coordinator.Finish(coordinator.Acquire("w", 2)[0], AttemptOutcome::kFailed);
  ASSERT_TRUE(coordinator.Retry(study, 1).ok());
  const Grants again = coordinator.Acquire("v", 2);
  ASSERT_EQ(again.size(), 2);
  coordinator.Reopen();
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  EXPECT_EQ(coordinator.Finish(again[1], AttemptOutcome::kFailed), TrialState::kFailed);
  EXPECT_EQ(coordinator.state(study), StudyState::kFailed);
  EXPECT_EQ(coordinator.state(study, again[0].ref.trial), TrialState::kCancelled);
  EXPECT_THAT(Violations(coordinator), IsEmpty());
}

// ---- Workers ----

// `good` takes its trials from anywhere; `bad` fails those of study "a" and "b".
class SickWorker : public ::testing::Test {
 protected:
  SickWorker() {
    a = coordinator.Create(SmallStudy("a", 100));
    StudySpec spec = SmallStudy("b", 100);
    spec.priority = -1;  // served once a is not
    b = coordinator.Create(spec);
    coordinator.Register("good");
    coordinator.Register("bad");
  }
  WorkerStanding standing() { return coordinator.coordinator().state().workers.at("bad").record.standing; }
  std::string NextStudy(const std::string& worker) {
    const Grants grants = coordinator.Acquire(worker);
    if (grants.empty()) return "none";
    coordinator.Finish(grants[0], AttemptOutcome::kPreempted);
    return grants[0].study_name;
  }

  TestCoordinator coordinator;
  StudyId a = 0, b = 0;
};

TEST_F(SickWorker, GetsNoMoreOfAStudyAfterThreeFailuresInARowOfTwoTrials) {
  FailNext(coordinator, "bad");
  FailNext(coordinator, "bad");
  EXPECT_EQ(NextStudy("bad"), "a");
  FailNext(coordinator, "bad");
  EXPECT_EQ(NextStudy("bad"), "b");
  EXPECT_EQ(NextStudy("good"), "a");
  EXPECT_EQ(standing(), WorkerStanding::kEnabled);
  EXPECT_EQ(coordinator.state(a), StudyState::kActive);
}

TEST_F(SickWorker, IsNotBlamedForOneTrialAlone) {
  ASSERT_TRUE(coordinator.Steer(&Studies::Cancel, b).ok());
  coordinator.Advance(std::chrono::seconds(31));  // "good" is gone, so the trial comes back at once
  for (int i = 0; i < 2; ++i) EXPECT_EQ(FailNext(coordinator, "bad"), TrialState::kWaiting);
  EXPECT_EQ(FailNext(coordinator, "bad"), TrialState::kFailed);
  EXPECT_EQ(coordinator.state(a), StudyState::kActive);
  EXPECT_EQ(NextStudy("bad"), "a");
}

TEST_F(SickWorker, IsForgivenByASuccessInBetween) {
  FailNext(coordinator, "bad");
  FailNext(coordinator, "bad");
  coordinator.Train(coordinator.Acquire("bad").at(0), [](int64_t) { return 0.5; });
  FailNext(coordinator, "bad");
  EXPECT_EQ(NextStudy("bad"), "a");
}

TEST_F(SickWorker, IsForgivenByATrialThatPausedAtARung) {
  StudySpec spec = testing::AshaStudy("rungs", 50);
  spec.priority = 1;
  const StudyId rungs = coordinator.Create(spec);
  FailNext(coordinator, "bad");
  FailNext(coordinator, "bad");
  ASSERT_EQ(coordinator.Train(coordinator.Acquire("bad").at(0), [](int64_t) { return 0.5; }), TrialState::kPaused);
  FailNext(coordinator, "bad");
  EXPECT_FALSE(coordinator.study(rungs).IsBarred("bad"));
}

TEST_F(SickWorker, IsQuarantinedAfterTwoStudiesUntilEnabled) {
  StudySpec spec = SmallStudy("c", 100);
  spec.priority = -2;
  coordinator.Create(spec);
  for (int i = 0; i < 6; ++i) FailNext(coordinator, "bad");
  EXPECT_EQ(standing(), WorkerStanding::kQuarantined);
  EXPECT_THAT(coordinator.coordinator().state().workers.at("bad").record.reason, HasSubstr("a, b"));
  EXPECT_EQ(NextStudy("bad"), "none");
  coordinator.Reopen();
  EXPECT_EQ(NextStudy("bad"), "none");
  coordinator.Register("bad", 2);
  EXPECT_EQ(NextStudy("bad"), "none");
  ASSERT_TRUE(
      coordinator.Run([&](Transaction& tx) { return coordinator.coordinator().leases().Enable(tx, "bad"); }).ok());
  EXPECT_EQ(NextStudy("bad"), "a");
}

TEST_F(SickWorker, IsLeasedAProbeTrialEveryTenMinutesAndTrustedAgainWhenItSucceeds) {
  for (int i = 0; i < 6; ++i) FailNext(coordinator, "bad");
  ASSERT_EQ(standing(), WorkerStanding::kQuarantined);
  coordinator.Advance(minutes(10) - nanoseconds(1));
  EXPECT_EQ(NextStudy("bad"), "none");
  coordinator.Advance(nanoseconds(1));
  const Grants probe = coordinator.Acquire("bad", 4);
  ASSERT_EQ(probe.size(), 1);
  EXPECT_EQ(NextStudy("bad"), "none");
  coordinator.Register("good");  // still there, so that the studies go on
  coordinator.Finish(probe[0], AttemptOutcome::kFailed);
  coordinator.Advance(minutes(10));
  const Grants second = coordinator.Acquire("bad", 4);
  ASSERT_EQ(second.size(), 1);
  coordinator.Train(second[0], [](int64_t) { return 0.5; });
  EXPECT_EQ(standing(), WorkerStanding::kEnabled);
  EXPECT_EQ(coordinator.Acquire("bad", 4).size(), 4);
}

TEST(DesertedStudy, PausesWithTheReasonWhenItsOnlyWorkerIsTakenOffIt) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 9);
  spec.retry.max_attempts = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kFailed);
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  EXPECT_EQ(FailNext(coordinator, "w"), TrialState::kFailed);
  EXPECT_EQ(coordinator.state(study), StudyState::kPaused);
  EXPECT_THAT(coordinator.study(study).record().reason, HasSubstr("no worker is left"));
  EXPECT_THAT(coordinator.study(study).record().reason, HasSubstr("w"));
}

TEST(DesertedStudy, WaitsForWhatStillRunsOfIt) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("s", 9);
  spec.retry.max_attempts = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  const Grants grants = coordinator.Acquire("w", 4);
  for (int i = 0; i < 3; ++i) coordinator.Finish(grants[i], AttemptOutcome::kFailed);
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  coordinator.Train(grants[3], [](int64_t) { return 0.5; });
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
  EXPECT_EQ(coordinator.Acquire("w").size(), 1);
}

TEST(DesertedStudy, IsNotOneThatNoWorkerEverMet) {
  TestCoordinator coordinator;
  StudySpec spec = SmallStudy("gpu", 9);
  spec.requirements.device = "cuda";
  const StudyId gpu = coordinator.Create(spec);
  spec = SmallStudy("s", 9);
  spec.retry.max_attempts = 1;
  const StudyId study = coordinator.Create(spec);
  coordinator.Register("w");
  for (int i = 0; i < 3; ++i) FailNext(coordinator, "w");
  EXPECT_EQ(coordinator.state(study), StudyState::kPaused);
  EXPECT_EQ(coordinator.state(gpu), StudyState::kActive);
}

}  // namespace
}  // namespace athanor
