// What trainers print, on its way to the coordinator.
#include "tests/worker/session/session_fixture.h"
#include "tests/worker/session/warnings.h"

namespace athanor::session {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class SessionLogTest : public SessionTest {
 protected:
  std::vector<v1::AppendLogRequest> Logs(int64_t trial = 0) {
    std::vector<v1::AppendLogRequest> logs = coordinator_.Ask([](auto& state) { return state.logs; });
    std::erase_if(logs, [&](const auto& log) { return log.lease().trial_number() != trial; });
    return logs;
  }
  std::string Text(int64_t trial = 0) {
    std::string text;
    for (const v1::AppendLogRequest& log : Logs(trial)) text += log.data();
    return text;
  }
};

TEST_F(SessionLogTest, AllThatWasPrintedArrivesBeforeTheFinish) {
  Start({"log_lines=2"});
  coordinator_.Grant(MakeLease(0, 2));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Text(), "step 1 log line 0\nstep 1 log line 1\nstep 2 log line 0\nstep 2 log line 1\n");
  const auto events = Events();
  EXPECT_EQ(events.back(), "finish COMPLETED");
}

TEST_F(SessionLogTest, TrialsThatOneChildTrainsHaveTheirOwnLogs) {
  Start({"log_lines=1"});
  coordinator_.Grant(MakeLease(0, 1));
  coordinator_.Grant(MakeLease(1, 2));
  ASSERT_TRUE(RunUntilFinishes(2));
  EXPECT_EQ(Text(0), "step 1 log line 0\n");
  EXPECT_EQ(Text(1), "step 1 log line 0\nstep 2 log line 0\n");
}

TEST_F(SessionLogTest, LastWordsOfACrashedTrainerArriveBeforeTheFinish) {
  Start({"log_lines=1", "crash_at=2"});
  coordinator_.Grant(MakeLease(0, 3));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_THAT(Text(), EndsWith("step 2 log line 0\n"));
}

TEST_F(SessionLogTest, AFloodIsSentInBoundedPartsWithoutItsMiddle) {
  options_.logs.part_bytes = 1000;
  options_.logs.interval = std::chrono::milliseconds(50);
  Start({"log_lines=20000"});
  coordinator_.Grant(MakeLease(0, 2));
  ASSERT_TRUE(RunUntilFinishes(1));
  int64_t end = 0, sent = 0;
  for (const v1::AppendLogRequest& log : Logs()) {
    EXPECT_LE(log.data().size(), 1000u);
    EXPECT_GE(log.offset(), end);
    end = log.offset() + static_cast<int64_t>(log.data().size());
    sent += static_cast<int64_t>(log.data().size());
  }
  // "step S log line N\n": 17 bytes and the digits of N, of which 0 to 19999 have 88,890.
  EXPECT_EQ(end, 2 * (20000 * 17 + 88890));
  EXPECT_LT(sent, end / 4);
  EXPECT_THAT(Text(), EndsWith("step 2 log line 19999\n"));
}

TEST_F(SessionLogTest, AbsentCoordinatorForLogsDoesNotHoldTheFinishBack) {
  coordinator_.Ask([](auto& state) { state.log_status = absl::UnavailableError("no room"); });
  options_.logs.flush_timeout = std::chrono::milliseconds(50);
  options_.logs.rest_timeout = std::chrono::milliseconds(50);
  const Warnings warnings;
  Start({"log_lines=1"});
  coordinator_.Grant(MakeLease(0, 2));
  ASSERT_TRUE(RunUntilFinishes(1));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  ASSERT_TRUE(RunUntil([&] { return !warnings.text().empty(); }));
  EXPECT_EQ(warnings.text(), "lease 1-0-100: its log was not taken in time and is given up from byte 0 on\n");
}

TEST_F(SessionLogTest, WhatIsLeftOfAnEndedAttemptsLogArrivesWhileTheSlotTrainsOn) {
  coordinator_.Ask([](auto& state) { state.log_status = absl::DeadlineExceededError("slow"); });
  options_.logs.flush_timeout = std::chrono::milliseconds(5);
  options_.logs.rest_timeout = std::chrono::minutes(5);
  options_.logs.part_bytes = 20;  // a line and the beginning of the next
  Start({"log_lines=1"});
  coordinator_.Grant(MakeLease(0, 2));
  ASSERT_TRUE(RunUntilFinishes(1));
  ASSERT_TRUE(RunUntilIdle());
  coordinator_.Grant(MakeLease(1, 1));
  ASSERT_TRUE(RunUntilFinishes(2));
  EXPECT_EQ(Text(0), "");
  coordinator_.Ask([](auto& state) { state.log_status = absl::OkStatus(); });
  const std::string expected = "step 1 log line 0\nstep 2 log line 0\n";
  EXPECT_TRUE(RunUntil([&] { return Text(0).size() >= expected.size() && !Text(1).empty(); }));
  EXPECT_EQ(Text(0), expected);
  EXPECT_EQ(Text(1), "step 1 log line 0\n");
}

TEST_F(SessionLogTest, ARefusedLogIsGivenUpAtOnce) {
  coordinator_.Ask([](auto& state) { state.log_status = absl::FailedPreconditionError("the lease is dead"); });
  options_.logs.flush_timeout = std::chrono::minutes(5);
  const Warnings warnings;
  Start({"log_lines=1"});
  coordinator_.Grant(MakeLease(0, 2));
  EXPECT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(warnings.text(),
            "lease 1-0-100: its log is refused from byte 0 on: FAILED_PRECONDITION: the lease is dead\n");
}

TEST_F(SessionLogTest, WhatWasPrintedWhileTheCoordinatorWasAwayArrivesAfterwards) {
  options_.logs.backoff = {.initial = std::chrono::minutes(5), .cap = std::chrono::minutes(5)};  // RetryNow alone
  Start({"step_ms=5", "log_lines=1"});
  coordinator_.Grant(MakeLease(0, 40));
  ASSERT_TRUE(RunUntilEvent("report 2"));
  coordinator_.SetReachable(false);
  io_.restart();
  io_.run_for(std::chrono::milliseconds(50));
  coordinator_.SetReachable(true);
  ASSERT_TRUE(RunUntilFinishes(1));
  std::string expected;
  for (int step = 1; step <= 40; ++step) expected += "step " + std::to_string(step) + " log line 0\n";
  EXPECT_EQ(Text(), expected);
}

TEST_F(SessionLogTest, TheLogOfAPausedTrialArrivesWhileTheSlotTrainsOn) {
  AnswerReports(v1::ACTION_PAUSE, 1);
  options_.logs.interval = std::chrono::minutes(5);  // the end alone sends it
  Start({"log_lines=1"});
  v1::Lease lease = MakeLease(0, 5);
  lease.add_hold_at(1);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("log"));
  EXPECT_EQ(Text(), "step 1 log line 0\n");
  ASSERT_TRUE(RunUntilIdle());
}

TEST_F(SessionLogTest, ADyingPredecessorDoesNotPrintIntoTheNextTrial) {
  obey_timeout_ = std::chrono::milliseconds(300);
  Start({"fail_at=1", "only_fresh=1", "ignore=exit", "last_words=1"});
  coordinator_.Grant(MakeLease(0, 1));
  coordinator_.Grant(MakeLease(1, 1));
  ASSERT_TRUE(RunUntilFinishes(2));
  EXPECT_THAT(Text(1), Not(HasSubstr("last words")));
}

}  // namespace
}  // namespace athanor::session
