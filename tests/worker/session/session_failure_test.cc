// What becomes of a trial whose trainer misbehaves, and of the slot it misbehaved on.
#include <set>

#include "base/random.h"
#include "base/sha256.h"
#include "tests/worker/session/session_fixture.h"

namespace athanor::session {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Misbehaviour {
  const char* name;
  std::vector<std::string> trainer;
  v1::AttemptOutcome outcome;
  std::vector<std::string> reason;  // parts of it
};

class MisbehaviourTest : public SessionTest, public testing::WithParamInterface<Misbehaviour> {};

TEST_P(MisbehaviourTest, EndsTheAttemptWithAReasonAndTheSlotGoesOn) {
  std::vector<std::string> trainer = GetParam().trainer;
  trainer.push_back("only_fresh=1");
  obey_timeout_ = std::chrono::milliseconds(300);
  Start(trainer);
  v1::Lease first = MakeLease(0, 3);
  if (std::string(GetParam().name) == "Stall") first.set_stall_timeout_ms(300);
  coordinator_.Grant(first);
  ASSERT_TRUE(RunUntilFinishes(1));
  const v1::FinishRequest finish = Finishes()[0];
  EXPECT_EQ(finish.outcome(), GetParam().outcome);
  for (const std::string& part : GetParam().reason) EXPECT_THAT(finish.reason(), HasSubstr(part));
  EXPECT_EQ(Count("report 1"), 1);
  EXPECT_EQ(Count("report 2"), 0);

  // The next attempt of the same configuration goes on from a checkpoint of step 1 and so is spared.
  const uint64_t identity = HashString("{}/0");
  const std::string checkpoint = "1 0 " + std::to_string(identity) + "\n";
  const std::string sha256 = Sha256::Hex(checkpoint);
  coordinator_.Ask([&](auto& state) { state.files[sha256] = checkpoint; });
  v1::Lease second = MakeLease(0, 3);
  second.mutable_ref()->set_token(200);
  second.add_checkpoints()->set_sha256(sha256);
  second.mutable_checkpoints(0)->set_step(1);
  coordinator_.Grant(second);
  ASSERT_TRUE(RunUntilFinishes(2));
  EXPECT_EQ(Finishes()[1].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
}

INSTANTIATE_TEST_SUITE_P(
    All, MisbehaviourTest,
    testing::Values(
        Misbehaviour{"Crash",
                     {"crash_at=2", "log_lines=3"},
                     v1::ATTEMPT_OUTCOME_FAILED,
                     {"signal 6 (Aborted)", "step 2 log line 2"}},
        Misbehaviour{"Exit", {"exit_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"exit code 7"}},
        Misbehaviour{"Leave", {"leave_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"exit code 0 before the trial did"}},
        Misbehaviour{"Throw", {"throw_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"exit code 1\n", "told to throw"}},
        Misbehaviour{"Segfault", {"segfault_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"signal 11 (Segmentation fault)"}},
        Misbehaviour{"Killed",
                     {"kill_at=2"},
                     v1::ATTEMPT_OUTCOME_FAILED,
                     {"signal 9 (Killed): if nobody killed it, the host ran out of memory"}},
        Misbehaviour{"Memory", {"memory_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"signal 6 (Aborted)", "std::bad_alloc"}},
        Misbehaviour{"Orphan", {"crash_at=2", "orphan=1"}, v1::ATTEMPT_OUTCOME_FAILED, {"signal 6 (Aborted)"}},
        Misbehaviour{"OutputClosed", {"close_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"closed its output (fd 4)"}},
        Misbehaviour{"Failed",
                     {"fail_at=2", "log_lines=1"},
                     v1::ATTEMPT_OUTCOME_FAILED,
                     {"told to fail\nstep 1 log line 0\nstep 2"}},
        Misbehaviour{"Infeasible", {"infeasible_at=2"}, v1::ATTEMPT_OUTCOME_INFEASIBLE, {"told to be infeasible"}},
        Misbehaviour{"Stall", {"stall_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"silent for 0.3 s"}},
        Misbehaviour{"Malformed",
                     {"malformed_at=2"},
                     v1::ATTEMPT_OUTCOME_FAILED,
                     {"violated the trainer protocol", "this is not JSON"}},
        Misbehaviour{"Oversized", {"oversized_at=2"}, v1::ATTEMPT_OUTCOME_FAILED, {"longer than 1048576 bytes"}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(SessionTest, ReportsATrainerThatCannotBeStarted) {
  Start({"protocol=2"});
  coordinator_.Grant(MakeLease(0, 1));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_FAILED);
  EXPECT_THAT(Finishes()[0].reason(), HasSubstr("trainer protocol 2"));
}

TEST_F(SessionTest, ReportsTheLastValueOfADivergedTrialBeforeItsEnd) {
  Start({"diverge_at=2"});
  coordinator_.Grant(MakeLease(0, 5));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_INFEASIBLE);
  EXPECT_EQ(Finishes()[0].reason(), "diverged: the training loss is nan");
  EXPECT_EQ(Count("report 2"), 1);
}

TEST_F(SessionTest, ATrialGoesOnWithoutTheCheckpointThatItsTrainerCannotWrite) {
  Start({"save=fails"});
  v1::Lease lease = MakeLease(0, 3);
  lease.add_hold_at(2);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
  EXPECT_EQ(Count("report 2"), 1);
  EXPECT_EQ(coordinator_.Ask([](auto& state) { return state.files.size(); }), 0u);
}

struct Ending {
  const char* words;
  bool replaced;
};

class ReplacementTest : public SessionTest, public testing::WithParamInterface<Ending> {};

TEST_P(ReplacementTest, OnlyATrainerThatMayBeHarmedIsReplaced) {
  Start({GetParam().words, "log_process=1"});
  coordinator_.Grant(MakeLease(0, 1));
  coordinator_.Grant(MakeLease(1, 1));
  ASSERT_TRUE(RunUntilFinishes(2));
  std::set<std::string> processes;
  for (const auto& log : coordinator_.Ask([](auto& state) { return state.logs; })) processes.insert(log.data());
  EXPECT_EQ(processes.size(), GetParam().replaced ? 2u : 1u);
}

INSTANTIATE_TEST_SUITE_P(All, ReplacementTest,
                         testing::Values(Ending{"infeasible_at=1", false}, Ending{"fail_at=1", true},
                                         Ending{"infeasible_at=1 infeasible=out_of_memory", true}));

TEST_F(SessionTest, IsNotHeldUpByALogOfManyLines) {
  Start({"log_lines=20000"});
  coordinator_.Grant(MakeLease(0, 3));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
}

TEST_F(SessionTest, CrashLeavesTheNeighbourAlone) {
  slots_ = 2;
  Start({"step_ms=50", "crash_at=5", "only_fresh=1"});
  coordinator_.Grant(MakeLease(0, 9));  // crashes at step 5
  coordinator_.Grant(MakeLease(1, 4));  // never gets there
  ASSERT_TRUE(RunUntilFinishes(2));
  for (const v1::FinishRequest& finish : Finishes()) {
    EXPECT_EQ(finish.outcome(),
              finish.lease().trial_number() == 0 ? v1::ATTEMPT_OUTCOME_FAILED : v1::ATTEMPT_OUTCOME_COMPLETED);
  }
}

TEST_F(SessionTest, WaitingAtAHoldIsNoStall) {
  coordinator_.SetAcknowledges(false);  // no verdict comes
  Start();
  v1::Lease lease = MakeLease(0, 2);
  lease.add_hold_at(1);
  lease.set_stall_timeout_ms(500);
  coordinator_.Grant(lease);
  ASSERT_TRUE(RunUntilEvent("report 1"));
  const int heartbeats = coordinator_.Ask([](auto& state) { return state.heartbeats; });
  ASSERT_TRUE(RunUntil([&] {  // 50 heartbeats of 20 ms are twice the stall timeout
    return coordinator_.Ask([](auto& state) { return state.heartbeats; }) >= heartbeats + 50;
  }));
  coordinator_.SetAcknowledges(true);
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_COMPLETED);
}

TEST_F(SessionTest, KillsATrainerThatIgnoresStop) {
  obey_timeout_ = std::chrono::milliseconds(50);
  Start({"ignore=stop", "step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  coordinator_.Push(v1::COMMAND_KIND_STOP, MakeLease(0, 1).ref());
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_THAT(Finishes(), IsEmpty());
  coordinator_.Grant(MakeLease(1, 1));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].lease().trial_number(), 1);
}

TEST_F(SessionTest, StopsWhatAHeartbeatCallsDeadAndSaysNothingMoreOfIt) {
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  coordinator_.Ask([](auto& state) { state.dead.push_back(MakeLease(0, 1).ref()); });
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_THAT(Finishes(), IsEmpty());
}

TEST_F(SessionTest, StopsWhenAReportIsRefusedForItsToken) {
  coordinator_.Ask([](auto& state) {
    state.verdict = [](const v1::TrialReport&) {
      v1::Verdict verdict;
      verdict.set_status_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
      verdict.set_status_message("stale token");
      return verdict;
    };
  });
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilEvent("report 1"));
  ASSERT_TRUE(RunUntilIdle());
  EXPECT_THAT(Finishes(), IsEmpty());
}

TEST_F(SessionTest, FailsTheAttemptWhenAReportIsRefusedForItsContent) {
  coordinator_.Ask([](auto& state) {
    state.verdict = [](const v1::TrialReport&) {
      v1::Verdict verdict;
      verdict.set_status_code(static_cast<int>(absl::StatusCode::kAlreadyExists));
      verdict.set_status_message("accuracy was reported as 1, now 2");
      return verdict;
    };
  });
  Start({"step_ms=20"});
  coordinator_.Grant(MakeLease(0, 100000));
  ASSERT_TRUE(RunUntilFinishes(1));
  EXPECT_EQ(Finishes()[0].outcome(), v1::ATTEMPT_OUTCOME_FAILED);
  EXPECT_THAT(Finishes()[0].reason(), HasSubstr("accuracy was reported as 1, now 2"));
}

}  // namespace
}  // namespace athanor::session
