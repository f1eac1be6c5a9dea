// The coordinator's disk fails in the middle of a study, with a real worker and the client: calls that write are
// refused, everything else goes on, and once the disk is well nothing is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr char kStudy[] = R"(
name: s
objective: {metric: val_accuracy, goal: maximize}
parameters: {learning_rate: {type: float, min: 0.1, max: 1.0}}
search: {method: random, seed: 1}
checkpoint: {interval: 200ms}
budget: {trials: 4}
trainer: {model: mlp, epochs: 60}
)";
constexpr char kOther[] =
    "name: other\nobjective: {metric: val_accuracy, goal: maximize}\n"
    "parameters: {learning_rate: {type: float, min: 0.1, max: 1.0}}\nbudget: {trials: 1}\n"
    "trainer: {model: mlp, epochs: 1}\n";

// A coordinator on a disk that can be broken, one worker and the client.
class StudyRun {
 public:
  // Leases are shorter than the disk is out of order.
  void Start() {
    cluster.UseServer({ATHANOR_FAULTY_SERVER_PROGRAM, "--disk-fault", FaultFile(), "--"});
    cluster.StartServer({"--lease", "2s", "--heartbeat", "300ms"});
  }
  void StartStudy() {
    Start();
    cluster.StartWorker({.name = "node",
                         .slots = 2,
                         .trainer = ATHANOR_FAKE_TRAINER_PROGRAM,
                         .environment = {{"ATHANOR_FAKE_TRAINER", "step_ms=40"}}});
    cluster.Submit(kStudy);
  }

  void BreakDisk(const std::string& how) {
    std::ofstream(FaultFile() + ".new") << how;
    std::filesystem::rename(FaultFile() + ".new", FaultFile());
  }
  void MendDisk() { std::filesystem::remove(FaultFile()); }
  std::string WriteError() { return cluster.Query({"server", "status"}).value("write_error", ""); }

  // Of every trial: how it ended, in how many attempts, and its curve. Waits for the end of the study.
  std::string Facts() {
    EXPECT_EQ(cluster.WaitForStudy("s", seconds(60)).value("state", ""), "COMPLETED");
    std::string facts;
    for (const nlohmann::json& trial : cluster.Query({"trial", "list", "s", "--order", "number"})) {
      const std::string number = trial["number"].dump();
      nlohmann::json curve = cluster.Query({"trial", "curve", "s", number});
      for (nlohmann::json& point : curve) point.erase("elapsed_ms");
      facts += number + " " + trial["state"].dump() + " " + trial["attempts"].dump() + " " + curve.dump() + "\n";
    }
    return facts;
  }

  Cluster cluster;

 private:
  std::string FaultFile() const { return cluster.folder() / "disk"; }
};

// False if it does not come true within a minute.
bool Until(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

std::string UndisturbedFacts() {
  StudyRun run;
  run.StartStudy();
  return run.Facts();
}

class DiskFaultTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Disks, DiskFaultTest, ::testing::Values("full", "sync"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(DiskFaultTest, StudyGoesThroughItWithoutLosingAnything) {
  StudyRun run;
  Cluster& cluster = run.cluster;
  run.StartStudy();
  ASSERT_TRUE(Until([&] { return cluster.Client({"best", "s"}).code == 0; })) << cluster.Logs();  // it has a value
  run.BreakDisk(GetParam());
  ASSERT_TRUE(Until([&] { return !run.WriteError().empty(); })) << cluster.Logs();
  const nlohmann::json best = cluster.Query({"best", "s"});
  const auto end = std::chrono::steady_clock::now() + seconds(4);
  while (std::chrono::steady_clock::now() < end) {
    EXPECT_EQ(cluster.Query({"study", "list"}).size(), 1u);
    EXPECT_EQ(cluster.Query({"study", "show", "s"})["trials"].value("RUNNING", 0), 2);
    EXPECT_EQ(cluster.Query({"trial", "list", "s"}).size(), 2u);
    EXPECT_EQ(cluster.Query({"best", "s"}), best);
  }
  const auto study = cluster.folder() / "other.yaml";
  std::ofstream(study) << kOther;
  const ClientResult refused = cluster.Client({"study", "submit", study, "--timeout", "1"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.errors, HasSubstr("nothing can be written"));
  const std::string log = ReadFile(cluster.folder() / "server.log");
  EXPECT_LE(std::ranges::count(log, '\n'), 20) << log;

  run.MendDisk();
  EXPECT_TRUE(Until([&] { return run.WriteError().empty(); })) << cluster.Logs();
  const std::string undisturbed = UndisturbedFacts();
  EXPECT_EQ(std::ranges::count(undisturbed, '\n'), 4);
  EXPECT_THAT(undisturbed, HasSubstr("0 \"COMPLETED\" 1 "));  // one attempt: the lease lived on
  EXPECT_EQ(run.Facts(), undisturbed) << cluster.Logs();
  EXPECT_EQ(cluster.Query({"study", "list"}).size(), 1u);
}

TEST(DiskFaultAtStartTest, ReadOnlyDatabaseIsRefused) {
  StudyRun run;
  run.Start();
  run.cluster.server().Signal(SIGTERM);
  ASSERT_EQ(run.cluster.server().Wait(seconds(15)), 0);
  run.BreakDisk("readonly");
  EXPECT_THROW(run.Start(), std::runtime_error);
  EXPECT_EQ(run.cluster.server().Wait(seconds(15)), 1);
  EXPECT_THAT(ReadFile(run.cluster.folder() / "server.log"), HasSubstr("athanor.db: is read-only\n"));
}

}  // namespace
}  // namespace athanor
