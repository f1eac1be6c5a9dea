// Supervisors that are killed and stopped, a coordinator that is away, a node that fails everything: with real
// processes and the scripted trainer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class WorkerFaultsTest : public ::testing::Test {
 protected:
  Process& StartWorker(const std::string& name, const std::string& trainer) {
    return cluster_.StartWorker(
        {.name = name, .trainer = ATHANOR_FAKE_TRAINER_PROGRAM, .environment = {{"ATHANOR_FAKE_TRAINER", trainer}}});
  }

  void Submit(const std::string& name, int trials, int epochs) {
    cluster_.Submit("name: " + name + R"(
objective: {metric: val_accuracy, goal: maximize}
parameters: {learning_rate: {type: float, min: 0.1, max: 1.0}}
search: {method: random, seed: 1}
checkpoint: {interval: 1ms}
budget: {trials: )" +
                    std::to_string(trials) + "}\ntrainer: {model: mlp, epochs: " + std::to_string(epochs) + "}\n");
  }

  // False if it does not come true within a minute.
  bool Until(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  nlohmann::json Trial(const std::string& study, int number = 0) {
    return cluster_.Query({"trial", "show", study, std::to_string(number)});
  }
  // There is a first trial, and it has a checkpoint of that step or a later one.
  bool UntilCheckpoint(const std::string& study, int step) {
    const auto created = [&] { return cluster_.Client({"trial", "show", study, "0"}).code == 0; };
    return Until(created) && Until([&] { return Trial(study).value("checkpoint_step", 0) >= step; });
  }
  // The process is gone, or a zombie that nobody has reaped yet.
  static bool IsDead(pid_t pid) {
    const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    return stat.empty() || stat.substr(stat.rfind(')')).starts_with(") Z");
  }

  Cluster cluster_;
};

TEST_F(WorkerFaultsTest, KilledSupervisorTakesItsTrainerAlongAndComesBackWithoutWaitingForTheLease) {
  cluster_.StartServer({"--lease", "10m"});
  Process& first = StartWorker("node", "step_ms=50");
  Submit("s", 1, 60);
  ASSERT_TRUE(UntilCheckpoint("s", 2)) << cluster_.Logs();
  const std::vector<pid_t> children = ChildrenOf(first.pid());
  ASSERT_EQ(children.size(), 1u);
  kill(children[0], SIGSTOP);  // it cannot notice that its input has ended
  first.Signal(SIGKILL);
  EXPECT_EQ(first.Wait(seconds(10)), -SIGKILL);
  EXPECT_TRUE(Until([&] { return IsDead(children[0]); }));

  StartWorker("node", "step_ms=5");
  EXPECT_EQ(cluster_.WaitForStudy("s", seconds(60)).value("state", ""), "COMPLETED");
  const nlohmann::json attempts = Trial("s")["attempt_list"];
  ASSERT_EQ(attempts.size(), 2u) << attempts.dump(1);
  EXPECT_EQ(attempts[0].value("outcome", ""), "LOST");
  EXPECT_THAT(attempts[0].value("reason", ""), HasSubstr("the worker was restarted")) << attempts.dump(1);
  EXPECT_GE(attempts[1].value("resumed_step", 0), 2);
}

TEST_F(WorkerFaultsTest, StoppedSupervisorIsFencedOffWhenItGoesOn) {
  cluster_.StartServer({"--lease", "2s", "--heartbeat", "300ms"});
  Process& stopped = StartWorker("stopped", "step_ms=50");
  Submit("s", 1, 80);
  ASSERT_TRUE(UntilCheckpoint("s", 2)) << cluster_.Logs();
  stopped.Signal(SIGSTOP);
  StartWorker("heir", "step_ms=50");
  ASSERT_TRUE(Until([&] { return Trial("s")["attempt_list"].size() == 2; })) << cluster_.Logs();
  stopped.Signal(SIGCONT);
  EXPECT_EQ(cluster_.WaitForStudy("s", seconds(60)).value("state", ""), "COMPLETED");
  const nlohmann::json trial = Trial("s");
  const nlohmann::json& attempts = trial["attempt_list"];
  ASSERT_EQ(attempts.size(), 2u) << attempts.dump(1);
  EXPECT_EQ(attempts[0].value("outcome", ""), "LOST");
  EXPECT_EQ(attempts[0].value("reason", ""), "the lease expired");
  EXPECT_EQ(attempts[1].value("worker", ""), "heir");
  EXPECT_EQ(trial.value("final_step", 0), 80);
  EXPECT_TRUE(Until(
      [&] { return ReadFile(cluster_.folder() / "stopped.log").find("the lease is lost") != std::string::npos; }));
  stopped.Signal(SIGTERM);
  EXPECT_EQ(stopped.Wait(seconds(40)), 0) << cluster_.Logs();
}

TEST_F(WorkerFaultsTest, TrainingGoesOnWhileTheCoordinatorIsAway) {
  cluster_.StartServer({"--lease", "2s", "--heartbeat", "300ms"});
  StartWorker("loyal", "step_ms=20");
  Submit("s", 1, 400);
  ASSERT_TRUE(UntilCheckpoint("s", 2)) << cluster_.Logs();
  for (const seconds away : {seconds(1), seconds(4)}) {  // shorter and longer than the lease
    cluster_.server().Signal(SIGKILL);
    cluster_.server().Wait(seconds(10));
    std::this_thread::sleep_for(away);
    cluster_.StartServer({"--lease", "2s", "--heartbeat", "300ms"});
    const int64_t step = Trial("s").value("final_step", 0);
    ASSERT_TRUE(Until([&] { return Trial("s").value("final_step", 0) > step; })) << cluster_.Logs();
  }
  EXPECT_EQ(cluster_.WaitForStudy("s", seconds(60)).value("state", ""), "COMPLETED");
  const nlohmann::json trial = Trial("s");
  EXPECT_EQ(trial["attempt_list"].size(), 1u) << "its own downtime does not count: " << trial.dump(1);
  EXPECT_EQ(trial.value("final_step", 0), 400);
  EXPECT_EQ(cluster_.Query({"trial", "curve", "s", "0", "--metric", "val_accuracy"}).size(), 400u)
      << "no value is lost";
}

TEST_F(WorkerFaultsTest, ASignalEndsAWorkerThatStillWaitsForItsTrainersFirstWord) {
  cluster_.StartServer();
  Process& worker = cluster_.StartWorker({.name = "early", .trainer = "/usr/bin/yes", .environment = {}});
  ASSERT_TRUE(Until([&] { return !ChildrenOf(worker.pid()).empty(); }));
  worker.Signal(SIGTERM);
  EXPECT_EQ(worker.Wait(seconds(10)), 0);
}

TEST_F(WorkerFaultsTest, WithoutACoordinatorASignalEndsTheWorkerInTimeAndASecondOneAtOnce) {
  cluster_.StartServer();
  Process& patient = StartWorker("patient", "step_ms=50");
  Process& hurried = StartWorker("hurried", "step_ms=50");
  Submit("s", 2, 100'000);
  ASSERT_TRUE(Until([&] { return cluster_.Query({"study", "show", "s"})["trials"].value("RUNNING", 0) == 2; }));
  cluster_.server().Signal(SIGKILL);
  cluster_.server().Wait(seconds(10));
  const std::vector<pid_t> children = {ChildrenOf(patient.pid()).at(0), ChildrenOf(hurried.pid()).at(0)};
  const auto start = std::chrono::steady_clock::now();
  patient.Signal(SIGTERM);
  hurried.Signal(SIGTERM);
  // It drains: the trainer is told to pause and its slot falls empty.
  ASSERT_TRUE(Until([&] { return ReadFile(cluster_.folder() / "hurried.log").find("draining") != std::string::npos; }));
  hurried.Signal(SIGTERM);
  EXPECT_EQ(hurried.Wait(seconds(10)), 1) << cluster_.Logs();
  EXPECT_EQ(patient.Wait(seconds(45)), 1) << cluster_.Logs();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(40));
  for (const pid_t child : children) EXPECT_TRUE(Until([&] { return IsDead(child); }));
}

TEST_F(WorkerFaultsTest, ANodeThatFailsEverythingIsQuarantinedAndSaysWhy) {
  cluster_.StartServer();
  StartWorker("sick", "crash_at=1 log_lines=1");
  for (const std::string study : {"one", "two"}) {
    Submit(study, 5, 3);
    ASSERT_TRUE(Until([&] {
      return cluster_.Query({"study", "show", study}).value("state", "") == "PAUSED";
    })) << cluster_.Logs();
    const nlohmann::json shown = cluster_.Query({"study", "show", study});
    EXPECT_THAT(shown.value("reason", ""), HasSubstr("too many failed attempts in a row on sick"));
  }
  const nlohmann::json workers = cluster_.Query({"worker", "list"});
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(workers[0].value("state", ""), "QUARANTINED");
  EXPECT_EQ(workers[0].value("reason", ""), "three failed attempts in a row in each of the studies one, two");
  size_t attempts = 0;
  for (int number = 0; number < 2; ++number) {
    const nlohmann::json trial = Trial("one", number);
    for (const nlohmann::json& attempt : trial["attempt_list"]) {
      ++attempts;
      EXPECT_THAT(attempt.value("reason", ""), HasSubstr("signal 6 (Aborted)\nstep 1 log line 0"));
    }
  }
  // Three in a row of two trials: a fourth if the first three were of one.
  EXPECT_GE(attempts, 3u);
  EXPECT_LE(attempts, 4u);

  // A healthy node and a word from its owner take the studies to their end.
  cluster_.StopWorkers(SIGTERM);
  StartWorker("sick", "step_ms=1");
  ASSERT_EQ(cluster_.Client({"worker", "enable", "sick"}).code, 0);
  for (const std::string study : {"one", "two"}) {
    ASSERT_EQ(cluster_.Client({"study", "resume", study}).code, 0);
    EXPECT_EQ(cluster_.WaitForStudy(study, seconds(60)).value("state", ""), "COMPLETED");
  }
}

}  // namespace
}  // namespace athanor
