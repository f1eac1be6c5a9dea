// What becomes of a trial that behaves.
#include <set>

#include "tests/worker/session/session_fixture.h"

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SessionTest, ReportsEveryStepAndCompletes) {
  Start();
  coordinator_.Grant(MakeLease(0, 3));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Events(), ElementsAre("register", "report 1", "report 2", "report 3", "finish COMPLETED"));
  const v1::FinishRequest finish = Finishes()[0];
  ASSERT_EQ(finish.final_metrics_size(), 1);
  EXPECT_EQ(finish.final_metrics(0).name(), "test_accuracy");
}

TEST_F(SessionTest, StatesResumedStepAndEnvironmentInTheFirstReportOnly) {
  Start();
  coordinator_.Grant(MakeLease(0, 50));
  ASSERT_TRUE(RunUntilFinishes(1));
  const std::vector<v1::TrialReport> reports = Reports();
  ASSERT_TRUE(reports[0].has_resumed_step());
  EXPECT_EQ(reports[0].resumed_step(), 0);
  EXPECT_EQ(reports[0].environment().trainer_version(), "fake 1");
  EXPECT_EQ(reports[0].environment().device(), "cpu");
  EXPECT_EQ(reports[0].environment().threads(), 1);
  for (size_t i = 1; i < reports.size(); ++i) EXPECT_FALSE(reports[i].has_resumed_step()) << i;
  EXPECT_FALSE(Finishes()[0].has_resumed_step());
}

TEST_F(SessionTest, StatesResumedStepInTheFinishWhenNothingWasReported) {
  Start({"infeasible_at=1"});
  coordinator_.Grant(MakeLease(0, 3));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_TRUE(Finishes()[0].has_resumed_step());
  EXPECT_EQ(Finishes()[0].environment().trainer_version(), "fake 1");
}

TEST_F(SessionTest, RegistersTheCheckpointOfAHoldBeforeItsReport) {
  Start();
  v1::Lease lease = MakeLease(0, 2);
  lease.add_hold_at(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Events(), ElementsAre("register", "upload 1", "report 1", "report 2", "finish COMPLETED"));
}

TEST_F(SessionTest, PausesAtAHoldAndTakesTheNextTrial) {
  AnswerReports(v1::ACTION_PAUSE, 1);
  Start();
  v1::Lease lease = MakeLease(0, 3);
  lease.add_hold_at(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("report 1"));
  ASSERT_TRUE(RunUntilIdle());
  AnswerReports(v1::ACTION_CONTINUE, 0);
  coordinator_.Grant(MakeLease(1, 1));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Events(),
              ElementsAre("register", "upload 1", "report 1", "report 1 of trial 1", "finish COMPLETED of trial 1"));
}

TEST_F(SessionTest, StopsAPrunedTrialWithoutEndingItsLeaseItself) {
  AnswerReports(v1::ACTION_PRUNE, 2);
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 1000));
  ASSERT_TRUE(RunUntilEvent("report 2"));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_EQ(Count("report 1000"), 0);
  EXPECT_THAT(Finishes(), IsEmpty());
}

TEST_F(SessionTest, FreesTheSlotAtAPromisedPauseWhileItsUploadGoesOn) {
  coordinator_.Ask([](auto& state) {
    state.uploads_held = true;
    state.verdict = [](const v1::TrialReport& report) {
      v1::Verdict verdict;
      verdict.set_action(report.lease().trial_number() == 0 ? v1::ACTION_PAUSE : v1::ACTION_CONTINUE);
      return verdict;
    };
  });
  Start();
  v1::Lease lease = MakeLease(0, 9);
  lease.add_hold_at(1);
  lease.set_pauses_at_hold(true);
  coordinator_.Grant(lease);
  coordinator_.Grant(MakeLease(1, 1));
  ASSERT_TRUE(RunUntilEvent("finish COMPLETED of trial 1"));
  EXPECT_EQ(Count("report 1"), 0);
  EXPECT_THAT(session_->HeldLeases(), testing::Contains(LeaseKey(1, 0, 100)));

  coordinator_.ReleaseUploads();
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_THAT(Events(),
              ElementsAre("register", "report 1 of trial 1", "finish COMPLETED of trial 1", "upload 1", "report 1"));
}

TEST_F(SessionTest, HandsATrialBackWhosePromisedPauseWasNotKept) {
  Start();
  v1::Lease lease = MakeLease(0, 9);
  lease.add_hold_at(1);
  lease.set_pauses_at_hold(true);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Events(), ElementsAre("register", "upload 1", "report 1", "finish PREEMPTED"));
}

// Else the trial would be handed back and leased again, for as long as its objective is not measured at a rung.
TEST_F(SessionTest, GoesOnInTheSameLeaseWhereAHoldIsMeasuredWithoutTheObjective) {
  Start({"training_metrics=2"});
  v1::Lease lease = MakeLease(0, 2);
  lease.add_hold_at(1);
  lease.set_pauses_at_hold(true);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Events(), ElementsAre("register", "upload 1", "report 1", "report 2", "finish COMPLETED"));
}

TEST_F(SessionTest, KeepsTheTrainerWarmAcrossTrials) {
  Start();
  std::set<std::string> children;
  for (int trial = 0; trial < 3; ++trial) {
    coordinator_.Grant(MakeLease(trial, 1));
    ASSERT_TRUE(RunUntilFinishes(trial + 1));
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      children.insert(ReadFile(entry.path() / "children"));
    }
  }
  children.erase("");
  EXPECT_EQ(children.size(), 1);
}

TEST_F(SessionTest, ReplacesATrainerThatGrewPastTheLimit) {
  max_child_memory_bytes_ = 1;  // every trainer is larger
  Start();
  for (int trial = 0; trial < 2; ++trial) {
    coordinator_.Grant(MakeLease(trial, 1));
    ASSERT_TRUE(RunUntilFinishes(trial + 1));
    EXPECT_EQ(Finishes()[trial].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  }
}

TEST_F(SessionTest, SendsProgressWhileAStepLasts) {
  Start({"step_ms=3000"});
  coordinator_.Grant(MakeLease(0, 1));
  ASSERT_TRUE(RunUntilEvent("progress"));
  EXPECT_EQ(Count("report 1"), 0);
}

TEST_F(SessionTest, FillsEverySlot) {
  slots_ = 3;
  Start({"step_ms=10000"});
  for (int trial = 0; trial < 4; ++trial) coordinator_.Grant(MakeLease(trial, 1));
  ASSERT_TRUE(
      RunUntil([&] { return coordinator_.Ask([](auto& state) { return state.heartbeat_leases.size(); }) == 3; }));
  EXPECT_EQ(coordinator_.Ask([](auto& state) { return state.waiting.size(); }), 1);
}

}  // namespace
}  // namespace athanor::session
