// The coordinator away, full queues, and the ways in which a session ends.
#include <set>

#include "tests/worker/session/session_fixture.h"

namespace athanor::session {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(SessionTest, GivesUpWhenTheCoordinatorRefusesIt) {
  coordinator_.Ask([](auto& state) {
    state.register_status = absl::FailedPreconditionError("protocol version 1, this coordinator speaks 2");
  });
  Start();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(*ended_, absl::FailedPreconditionError("protocol version 1, this coordinator speaks 2"));
}

TEST_F(SessionTest, WaitsForACoordinatorThatIsNotThereYet) {
  coordinator_.SetReachable(false);
  Start();
  io_.run_for(std::chrono::milliseconds(30));
  coordinator_.SetReachable(true);
  coordinator_.Grant(MakeLease(0, 1));
  ASSERT_TRUE(RunUntilFinishes(1));
}

TEST_F(SessionTest, TrainsOnWhileTheCoordinatorIsAwayAndReportsEverythingAfterwards) {
  Start({"step_ms=2"});
  coordinator_.Grant(MakeLease(0, 60));
  ASSERT_TRUE(RunUntilEvent("report 5"));
  coordinator_.SetReachable(false);
  io_.restart();
  io_.run_for(std::chrono::milliseconds(50));
  coordinator_.SetReachable(true);
  ASSERT_TRUE(RunUntilFinishes(1));

  std::set<int64_t> steps;
  for (const v1::TrialReport& report : Reports()) {
    for (const v1::Measurement& measurement : report.measurements()) steps.insert(measurement.step());
  }
  EXPECT_THAT(steps, SizeIs(60));
  const auto registrations = coordinator_.Ask([](auto& state) { return state.registrations; });
  ASSERT_THAT(registrations, SizeIs(2));
  EXPECT_EQ(registrations[0].incarnation(), registrations[1].incarnation());
}

TEST_F(SessionTest, ResendsWhatWasNeverAcknowledged) {
  coordinator_.SetAcknowledges(false);
  Start();
  coordinator_.Grant(MakeLease(0, 3));
  ASSERT_TRUE(RunUntilEvent("finish COMPLETED"));
  coordinator_.SetReachable(false);
  coordinator_.Ask([](auto& state) { state.acknowledges = true; });
  coordinator_.SetReachable(true);
  ASSERT_TRUE(RunUntilFinishes(2));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_EQ(Count("report 3"), 2);
}

TEST_F(SessionTest, SendsAReportAgainWhoseCommitFailed) {
  coordinator_.Ask([](auto& state) {
    auto refused = std::make_shared<bool>(false);
    state.verdict = [refused](const v1::TrialReport&) {
      v1::Verdict verdict;
      verdict.set_action(v1::ACTION_CONTINUE);
      if (!std::exchange(*refused, true)) verdict.set_status_code(static_cast<int>(absl::StatusCode::kUnavailable));
      return verdict;
    };
  });
  Start({"step_ms=5"});
  v1::Lease lease = MakeLease(0, 2);
  lease.add_hold_at(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Count("report 1"), 2);
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
}

TEST_F(SessionTest, HoldsTrainersBackWhenObjectiveValuesFillTheQueueAndLosesNone) {
  options_.reports = {.capacity = 20, .max_request_items = 5, .max_in_flight = 8};
  coordinator_.SetAcknowledges(false);
  Start();
  v1::Lease lease = MakeLease(0, 20000);
  lease.set_stall_timeout_ms(500);  // being held back is no stall
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("report 1"));
  const int heartbeats = coordinator_.Ask([](auto& state) { return state.heartbeats; });
  ASSERT_TRUE(
      RunUntil([&] { return coordinator_.Ask([](auto& state) { return state.heartbeats; }) >= heartbeats + 50; }));
  EXPECT_EQ(session_->FreeSlots(), 0);
  EXPECT_LE(Reports().size(), 8u);

  coordinator_.SetAcknowledges(true);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  std::set<int64_t> steps;
  for (const v1::TrialReport& report : Reports()) {
    for (const v1::Measurement& measurement : report.measurements()) steps.insert(measurement.step());
  }
  EXPECT_THAT(steps, SizeIs(20000));
}

TEST_F(SessionTest, DrainHandsEveryTrialBackWithItsCheckpointAndEndsWell) {
  slots_ = 2;
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  coordinator_.Grant(MakeLease(1, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  ASSERT_TRUE(RunUntilEvent("report 1 of trial 1"));
  session_->Drain();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(*ended_, absl::OkStatus());
  EXPECT_EQ(Count("finish PREEMPTED"), 1);
  EXPECT_EQ(Count("finish PREEMPTED of trial 1"), 1);
  EXPECT_EQ(coordinator_.Ask([](auto& state) { return state.files.size(); }), 2u);
}

TEST_F(SessionTest, DrainKillsATrainerThatWillNotPauseAndHandsItsTrialBack) {
  obey_timeout_ = std::chrono::milliseconds(50);
  Start({"step_ms=20", "ignore=pause,exit"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  session_->Drain();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(*ended_, absl::OkStatus());
  EXPECT_EQ(Count("finish PREEMPTED"), 1);
}

TEST_F(SessionTest, DrainWithoutACoordinatorEndsAfterItsTime) {
  options_.drain_timeout = std::chrono::milliseconds(200);
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  coordinator_.SetReachable(false);
  session_->Drain();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_TRUE(absl::IsAborted(*ended_));
  EXPECT_THAT(std::string(ended_->message()), HasSubstr("1 leases"));
}

TEST_F(SessionTest, DrainOfAnIdleWorkerEndsAtOnce) {
  Start();
  ASSERT_TRUE(RunUntilEvent("register"));
  session_->Drain();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(*ended_, absl::OkStatus());
}

TEST_F(SessionTest, DrainOfAnIdleWorkerDoesNotWaitForACoordinatorThatIsAway) {
  coordinator_.SetAcknowledges(false);
  Start();
  ASSERT_TRUE(RunUntil([this] { return coordinator_.Ask([](auto& state) { return state.heartbeats; }) > 1; }));
  coordinator_.SetReachable(false);
  session_->Drain();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(*ended_, absl::OkStatus());
}

TEST_F(SessionTest, DrainCommandPreemptsAndLeavesTheWorkerConnected) {
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  coordinator_.Push(v1::COMMAND_KIND_DRAIN, {});
  ASSERT_TRUE(RunUntilEvent("finish PREEMPTED"));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_FALSE(ended_.has_value());
  coordinator_.Grant(MakeLease(1, 1));  // as after `worker enable`
  ASSERT_TRUE(RunUntilEvent("finish COMPLETED of trial 1"));
}

TEST_F(SessionTest, LeasesGrantedTwiceAreTakenOnce) {
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 20));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  session_->OnLeases([&] {
    v1::AcquireResponse again;
    *again.add_leases() = MakeLease(0, 20);
    return again;
  }());
  ASSERT_TRUE(RunUntilFinishes(1));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_THAT(Finishes(), SizeIs(1));
}

}  // namespace
}  // namespace athanor::session
