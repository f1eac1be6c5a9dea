// Trainers that go wrong in every way we know, all at once under one coordinator: each fault has its own worker and its
// own study, and ends as `trial show` says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

struct Fault {
  const char* name;
  const char* trainer;  // words for the scripted trainer, which trains 4 steps and checkpoints each
  const char* stall_timeout;
  const char* state;                // of the trial at its end
  std::vector<const char*> reason;  // parts of it, of the first attempt
  int attempts;                     // a second one goes on from step 2, where the fault at step 3 left the checkpoint
};

const Fault kFaults[] = {
    {"crash", "crash_at=3", "1m", "COMPLETED", {"signal 6 (Aborted)", "step 3 log line 1"}, 2},
    {"segfault", "segfault_at=3", "1m", "COMPLETED", {"signal 11 (Segmentation fault)", "step 3 log line 1"}, 2},
    {"throw", "throw_at=3", "1m", "COMPLETED", {"exit code 1", "Traceback: told to throw"}, 2},
    {"host-memory", "memory_at=3", "1m", "COMPLETED", {"signal 6 (Aborted)", "std::bad_alloc"}, 2},
    {"oom-killer", "kill_at=3", "1m", "COMPLETED", {"signal 9 (Killed)", "the host ran out of memory"}, 2},
    {"leave", "leave_at=3", "1m", "COMPLETED", {"exit code 0 before the trial did"}, 2},
    {"orphan", "crash_at=3 orphan=1", "1m", "COMPLETED", {"signal 6 (Aborted)"}, 2},
    {"stopped", "stall_at=3", "2s", "COMPLETED", {"silent for 2 s and was killed", "step 3 log line 1"}, 2},
    {"silent", "close_at=3", "1m", "COMPLETED", {"closed its output (fd 4), lived on and was killed"}, 2},
    {"garbage", "malformed_at=3", "1m", "COMPLETED", {"violated the trainer protocol", "this is not JSON"}, 2},
    {"long-line", "oversized_at=3", "1m", "COMPLETED", {"longer than 1048576 bytes"}, 2},
    {"says-failed", "fail_at=3", "1m", "COMPLETED", {"told to fail"}, 2},
    {"device-memory", "infeasible_at=3 infeasible=out_of_memory:_CUDA", "1m", "INFEASIBLE", {"out of memory: CUDA"}, 1},
    {"diverged", "diverge_at=3", "1m", "INFEASIBLE", {"diverged: the training loss is nan"}, 1},
    {"full-disk", "save=fails", "1m", "COMPLETED", {}, 1},
    {"flood", "log_megabytes=100", "1m", "COMPLETED", {}, 1},
};

std::string StudyOf(const Fault& fault) {
  return std::string("name: ") + fault.name + R"(
objective: {metric: val_accuracy, goal: maximize}
parameters: {learning_rate: {type: float, min: 0.1, max: 1.0}}
search: {method: random, seed: 1}
budget: {trials: 1}
retry: {max_attempts: 3, stall_timeout: )" +
         fault.stall_timeout + R"(}
requires: {labels: {fault: )" +
         fault.name + R"(}}
checkpoint: {interval: 1ms}
trainer: {model: mlp, epochs: 4}
)";
}

void CheckOutcome(Cluster& cluster, const Fault& fault) {
  SCOPED_TRACE(fault.name);
  cluster.WaitForStudy(fault.name, seconds(60));
  const nlohmann::json trial = cluster.Query({"trial", "show", fault.name, "0"});
  EXPECT_EQ(trial.value("state", ""), fault.state) << trial.dump(1);
  const nlohmann::json& attempts = trial["attempt_list"];
  ASSERT_EQ(attempts.size(), static_cast<size_t>(fault.attempts)) << trial.dump(1);
  for (const char* part : fault.reason) EXPECT_THAT(attempts[0].value("reason", ""), HasSubstr(part));
  if (fault.attempts == 1) return;
  EXPECT_EQ(attempts[0].value("outcome", ""), "FAILED");
  EXPECT_EQ(attempts[1].value("resumed_step", 0), 2) << trial.dump(1);
  EXPECT_EQ(trial.value("final_step", 0), 4);
}

void CheckLogs(Cluster& cluster) {
  const ClientResult crash = cluster.Client({"trial", "logs", "crash", "0"});
  EXPECT_EQ(crash.code, 0) << crash.errors;
  EXPECT_THAT(crash.output, HasSubstr("--- attempt "));
  EXPECT_THAT(crash.output, HasSubstr("step 1 log line 0\n"));
  EXPECT_THAT(crash.output, HasSubstr("step 4 log line 1\n")) << "the second attempt goes on from step 2";
  const ClientResult last = cluster.Client({"trial", "logs", "crash", "0", "--tail", "1"});
  EXPECT_THAT(last.output, HasSubstr("step 4 log line 1\n"));
  EXPECT_THAT(last.output, Not(HasSubstr("step 4 log line 0\n")));

  const ClientResult flood = cluster.Client({"trial", "logs", "flood", "0"});
  EXPECT_THAT(flood.output, HasSubstr(" bytes not kept "));
  EXPECT_LT(flood.output.size(), size_t{1} << 20);
  EXPECT_LT(cluster.Query({"server", "status"}).value("log_bytes", int64_t{1} << 40), int64_t{2} << 20);
  const ClientResult shown = cluster.Client({"trial", "show", "segfault", "0"});
  EXPECT_THAT(shown.output, HasSubstr("signal 11 (Segmentation fault)")) << "for people, too";
}

// The trial of "silent" fails after ten seconds and is tried again.
void FollowToTheEnd(Cluster& cluster) {
  ClientResult log;
  const auto limit = std::chrono::steady_clock::now() + seconds(60);
  do {  // until the trial exists
    ASSERT_LT(std::chrono::steady_clock::now(), limit) << log.errors;
    log = cluster.Client({"trial", "logs", "silent", "0", "--follow"});
  } while (log.code == 1);
  EXPECT_EQ(log.code, 0) << log.errors;
  EXPECT_THAT(log.output, HasSubstr("step 3 log line 1\n"));
  EXPECT_THAT(log.output, HasSubstr("step 4 log line 1\n"));
  EXPECT_EQ(cluster.Query({"trial", "show", "silent", "0"}).value("state", ""), "COMPLETED");
}

TEST(TrainerFaultsTest, EachEndsAsItShouldWithAReasonThatTheUserCanRead) {
  Cluster cluster;
  cluster.StartServer({"--lease", "10s", "--heartbeat", "1s"});
  for (const Fault& fault : kFaults) {
    cluster.Submit(StudyOf(fault));
    cluster.StartWorker(
        {.name = fault.name,
         .trainer = ATHANOR_FAKE_TRAINER_PROGRAM,
         .environment = {{"ATHANOR_FAKE_TRAINER", std::string("only_fresh=1 log_lines=2 step_ms=20 ") + fault.trainer}},
         .arguments = {"--label", std::string("fault=") + fault.name}});
  }
  FollowToTheEnd(cluster);
  for (const Fault& fault : kFaults) CheckOutcome(cluster, fault);
  CheckLogs(cluster);
}

}  // namespace
}  // namespace athanor
