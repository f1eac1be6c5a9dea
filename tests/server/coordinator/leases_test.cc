// How long a lease lives, who may speak under it, and what ends it. SEMANTICS section 3.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/trainer_options.h"
#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::FakeHash;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallStudy;
using testing::TestCoordinator;

// One study of four trials, one worker with a stream that holds trial 0.
class OneLease : public ::testing::Test {
 protected:
  OneLease() : study(coordinator.Create(SmallStudy("s", 4))) {
    coordinator.Register("w");
    coordinator.OpenStream("w");
    lease = coordinator.Acquire("w").at(0);
  }

  TestCoordinator coordinator;
  StudyId study;
  LeaseGrant lease;
};

TEST_F(OneLease, LivesUntilTheNanosecondBeforeItExpires) {
  coordinator.Advance(seconds(30) - nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  coordinator.Advance(nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
  EXPECT_EQ(coordinator.store().ReadAttempts(study, 0)->at(0).outcome, AttemptOutcome::kLost);
  EXPECT_EQ(coordinator.trial(study, 0).stuck_failures, 0);
  ASSERT_EQ(coordinator.commands("w").size(), 1);
  EXPECT_EQ(coordinator.commands("w")[0].kind, CommandKind::kStop);
  EXPECT_EQ(coordinator.commands("w")[0].lease, lease.ref);
}

TEST_F(OneLease, LivesLongerByTheTimeThatTheCoordinatorStoodStill) {
  coordinator.clock().Advance(seconds(100));
  coordinator.coordinator().leases().Pardon(seconds(80), coordinator.clock().Read().monotonic);
  coordinator.Advance(seconds(10) - nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  coordinator.Advance(nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
}

TEST_F(OneLease, GetsNoMoreThanItsFullDurationAfterAStandstill) {
  coordinator.clock().Advance(seconds(20));
  ASSERT_TRUE(coordinator.Heartbeat("w", {lease.ref}).ok());
  coordinator.coordinator().leases().Pardon(seconds(15), coordinator.clock().Read().monotonic);
  coordinator.Advance(seconds(30));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
}

TEST_F(OneLease, IsRenewedByAHeartbeatThatListsIt) {
  coordinator.Advance(seconds(20));
  EXPECT_THAT(coordinator.Heartbeat("w", {lease.ref})->dead, IsEmpty());
  coordinator.Advance(seconds(30) - nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  coordinator.Advance(nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
}

TEST_F(OneLease, IsRenewedByAnyReport) {
  coordinator.Advance(seconds(20));
  coordinator.Report(lease, 1, 0.5);
  coordinator.Advance(seconds(20));
  const TrialReport only_progress{.lease = lease.ref, .measurements = {}, .progress = Progress{0.5}};
  ASSERT_TRUE(coordinator.TryReport(only_progress)->status.ok());
  coordinator.Advance(seconds(30) - nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  coordinator.Advance(nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
}

TEST_F(OneLease, GetsItsFullDurationAgainWhenTheCoordinatorComesBack) {
  coordinator.Advance(seconds(29));
  coordinator.clock().Advance(std::chrono::hours(2));
  coordinator.Reopen();
  coordinator.Advance(seconds(30) - nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  coordinator.Advance(nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
}

TEST_F(OneLease, StaysAliveWhenUnlistedOnceAndEndsWhenUnlistedTwiceInARow) {
  ASSERT_TRUE(coordinator.Heartbeat("w", {}).ok());
  ASSERT_TRUE(coordinator.Heartbeat("w", {lease.ref}).ok());
  ASSERT_TRUE(coordinator.Heartbeat("w", {}).ok());
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  ASSERT_TRUE(coordinator.Heartbeat("w", {}).ok());
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
  EXPECT_THAT(coordinator.Heartbeat("w", {lease.ref})->dead, ElementsAre(lease.ref));
}

TEST_F(OneLease, AnUnlistedOneIsNotRenewed) {
  coordinator.Advance(seconds(20));
  ASSERT_TRUE(coordinator.Heartbeat("w", {}).ok());
  coordinator.Advance(seconds(10));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
}

TEST_F(OneLease, OfAnotherWorkerIsDeadToWhoeverListsIt) {
  coordinator.Register("thief");
  EXPECT_THAT(coordinator.Heartbeat("thief", {lease.ref})->dead, ElementsAre(lease.ref));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
}

TEST_F(OneLease, EveryCallUnderADeadTokenIsRefusedAndChangesNothing) {
  coordinator.Report(lease, 1, 0.5);
  ASSERT_TRUE(coordinator.Checkpoint(lease, 1).ok());
  coordinator.Advance(seconds(30));
  const LeaseGrant next = coordinator.Acquire("w").at(0);
  ASSERT_EQ(next.ref.trial, 0);
  EXPECT_GT(next.ref.token, lease.ref.token);
  const std::string before = coordinator.MemoryText();

  constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;
  const TrialReport report{.lease = lease.ref, .start = AttemptStart{}, .measurements = {{2, 2, {{"accuracy", 0.9}}}}};
  EXPECT_EQ(coordinator.TryReport(report)->status.code(), kRefused);
  for (const AttemptOutcome outcome :
       {AttemptOutcome::kCompleted, AttemptOutcome::kFailed, AttemptOutcome::kInfeasible, AttemptOutcome::kPreempted}) {
    EXPECT_EQ(coordinator.TryFinish({.lease = lease.ref, .outcome = outcome}).status().code(), kRefused);
  }
  EXPECT_EQ(coordinator.Checkpoint(lease, 2).code(), kRefused);
  EXPECT_EQ(coordinator.coordinator().checkpoints().CheckUpload(lease.ref, {.sha256 = FakeHash(1)}).code(), kRefused);
  EXPECT_EQ(coordinator.coordinator().checkpoints().CheckDownload(lease.ref, FakeHash(1)).code(), kRefused);
  EXPECT_THAT(coordinator.Heartbeat("w", {lease.ref, next.ref})->dead, ElementsAre(lease.ref));
  EXPECT_EQ(coordinator.MemoryText(), before);
  EXPECT_EQ(coordinator.StoreText(), before);
}

TEST_F(OneLease, EndsWhenTheWorkerComesBackAsANewIncarnation) {
  coordinator.Register("w", 2);
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
  EXPECT_EQ(coordinator.trial(study, 0).stuck_failures, 0);
  const auto old = coordinator.Run(
      [&](Transaction& tx) { return coordinator.coordinator().leases().Heartbeat(tx, "w", 1, {lease.ref}, {}); });
  EXPECT_EQ(old.status().code(), absl::StatusCode::kFailedPrecondition);
  Registration stale;
  stale.protocol_version = kProtocolVersion;
  stale.worker.name = "w";
  stale.worker.incarnation = 1;
  stale.worker.slots = 1;
  EXPECT_EQ(coordinator.TryRegister(stale).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(OneLease, SurvivesARepeatedRegistrationOfTheSameIncarnation) {
  coordinator.Register("w", 1);
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  EXPECT_THAT(coordinator.Heartbeat("w", {lease.ref})->dead, IsEmpty());
}

TEST_F(OneLease, CancellingTheTrialEndsItAtOnceAndTellsTheWorker) {
  coordinator.Report(lease, 1, 0.5);
  EXPECT_EQ(coordinator.Cancel(study, 0).value(), TrialState::kCancelled);
  ASSERT_EQ(coordinator.commands("w").size(), 1);
  EXPECT_EQ(coordinator.commands("w")[0].kind, CommandKind::kStop);
  EXPECT_EQ(coordinator.Checkpoint(lease, 1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(coordinator.Cancel(study, 0).value(), TrialState::kCancelled);
  EXPECT_EQ(coordinator.state(study), StudyState::kActive);
}

TEST_F(OneLease, CancellingTheStudyEndsEveryTrial) {
  ASSERT_EQ(coordinator.Acquire("w").size(), 1);
  ASSERT_TRUE(coordinator.Steer(&Studies::Cancel, study).ok());
  EXPECT_EQ(coordinator.state(study), StudyState::kCancelled);
  EXPECT_EQ(coordinator.study(study).Count(TrialState::kCancelled), 2);
  EXPECT_EQ(coordinator.commands("w").size(), 2);
  EXPECT_TRUE(coordinator.Steer(&Studies::Cancel, study).ok());
  EXPECT_EQ(coordinator.Steer(&Studies::Pause, study).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(coordinator.Steer(&Studies::Resume, study).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(coordinator.Retry(study, 0).status().code(), absl::StatusCode::kFailedPrecondition);
}

// ---- Preemption ----

TEST_F(OneLease, PausingTheStudyPreemptsWithoutAFailure) {
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, study).ok());
  ASSERT_EQ(coordinator.commands("w").size(), 1);
  EXPECT_EQ(coordinator.commands("w")[0].kind, CommandKind::kPreempt);
  EXPECT_EQ(coordinator.commands("w")[0].lease, lease.ref);
  EXPECT_EQ(coordinator.Heartbeat("w", {lease.ref})->commands.size(), 1);
  EXPECT_EQ(coordinator.Finish(lease, AttemptOutcome::kPreempted), TrialState::kWaiting);
  EXPECT_EQ(coordinator.trial(study, 0).stuck_failures, 0);
  EXPECT_THAT(coordinator.Acquire("w", 4), IsEmpty());
  ASSERT_TRUE(coordinator.Steer(&Studies::Resume, study).ok());
  EXPECT_EQ(coordinator.Acquire("w").at(0).ref.trial, 0);
}

TEST_F(OneLease, APreemptedLeaseEndsAfterTheGracePeriod) {
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, study).ok());
  for (int i = 0; i < 5; ++i) {
    coordinator.Advance(seconds(10));
    ASSERT_TRUE(coordinator.Heartbeat("w", {lease.ref}).ok());
  }
  coordinator.Advance(seconds(10) - nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
  coordinator.Advance(nanoseconds(1));
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
  EXPECT_EQ(coordinator.store().ReadAttempts(study, 0)->at(0).outcome, AttemptOutcome::kPreempted);
}

TEST_F(OneLease, AStudyResumedWithinTheGracePeriodKeepsIt) {
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, study).ok());
  ASSERT_TRUE(coordinator.Steer(&Studies::Resume, study).ok());
  for (int i = 0; i < 7; ++i) {
    coordinator.Advance(seconds(10));
    EXPECT_THAT(coordinator.Heartbeat("w", {lease.ref})->commands, IsEmpty());
  }
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kRunning);
}

TEST_F(OneLease, OfAPausedStudyIsPreemptedAlsoAfterTheCoordinatorCameBack) {
  ASSERT_TRUE(coordinator.Steer(&Studies::Pause, study).ok());
  coordinator.Reopen();
  EXPECT_EQ(coordinator.Heartbeat("w", {lease.ref})->commands.size(), 1);
  for (int i = 0; i < 6; ++i) {
    coordinator.Advance(seconds(10));
    ASSERT_TRUE(coordinator.Heartbeat("w", {lease.ref}).ok());
  }
  EXPECT_EQ(coordinator.state(study, 0), TrialState::kWaiting);
}

TEST_F(OneLease, DrainingTheWorkerStopsNewLeasesUntilItIsEnabledOrStartedAnew) {
  const auto steer = [&](auto verb) {
    return coordinator.Run([&](Transaction& tx) { return (coordinator.coordinator().leases().*verb)(tx, "w"); })
        .status();
  };
  ASSERT_TRUE(steer(&Leases::Drain).ok());
  ASSERT_EQ(coordinator.commands("w").size(), 1);
  EXPECT_EQ(coordinator.commands("w")[0].kind, CommandKind::kDrain);
  EXPECT_EQ(coordinator.Heartbeat("w", {lease.ref})->commands.at(0).kind, CommandKind::kDrain);
  EXPECT_THAT(coordinator.Acquire("w"), IsEmpty());
  coordinator.Reopen();
  EXPECT_THAT(coordinator.Acquire("w"), IsEmpty());
  ASSERT_TRUE(steer(&Leases::Enable).ok());
  EXPECT_EQ(coordinator.Acquire("w").size(), 1);
  ASSERT_TRUE(steer(&Leases::Drain).ok());
  coordinator.Register("w", 2);
  EXPECT_EQ(coordinator.Acquire("w").size(), 1);
}

// ---- Registration ----

TEST(Registration, IsRefusedForAnotherProtocolTableOrNothingToRunOn) {
  TestCoordinator coordinator;
  Registration good;
  good.protocol_version = kProtocolVersion;
  good.worker.name = "w";
  good.worker.slots = 1;
  good.worker.option_table_hash = TrainerOptionsHash();
  Registration bad = good;
  bad.protocol_version = 99;
  EXPECT_EQ(coordinator.TryRegister(bad).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(coordinator.TryRegister(bad).message(), HasSubstr("99"));
  bad = good;
  bad.worker.option_table_hash = "other";
  EXPECT_EQ(coordinator.TryRegister(bad).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(coordinator.TryRegister(bad).message(), HasSubstr(TrainerOptionsHash()));
  bad = good;
  bad.worker.slots = 0;
  EXPECT_EQ(coordinator.TryRegister(bad).code(), absl::StatusCode::kInvalidArgument);
  bad = good;
  bad.worker.name = "";
  EXPECT_EQ(coordinator.TryRegister(bad).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(coordinator.coordinator().state().workers, IsEmpty());
  EXPECT_TRUE(coordinator.TryRegister(good).ok());
}

}  // namespace
}  // namespace athanor
