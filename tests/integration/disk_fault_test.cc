// The coordinator's disk fails in the middle of a study, with a real worker and the client: calls that write are
// refused, everything else goes on, and once the disk is well nothing is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

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
  virtual ~StudyRun() = default;

  // Leases are shorter than the disk is out of order.
  void Start() { cluster.StartServer({"--lease", "2s", "--heartbeat", "300ms"}); }
  void StartStudy() {
    Start();
    cluster.StartWorker({.name = "node",
                         .slots = 2,
                         .trainer = ATHANOR_FAKE_TRAINER_PROGRAM,
                         .environment = {{"ATHANOR_FAKE_TRAINER", "step_ms=40 log_lines=20"}}});
    cluster.Submit(kStudy);
  }

  virtual void BreakDisk() {}
  virtual void MendDisk() {}
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
};

// SQLite's disk fails as `how` says (tests/testing/faulty_vfs.h); everything else may write.
class FaultyDiskRun final : public StudyRun {
 public:
  explicit FaultyDiskRun(std::string how) : how_(std::move(how)) {
    cluster.UseServer({ATHANOR_FAULTY_SERVER_PROGRAM, "--disk-fault", FaultFile(), "--"});
  }
  void BreakDisk() override {
    std::ofstream(FaultFile() + ".new") << how_;
    std::filesystem::rename(FaultFile() + ".new", FaultFile());
  }
  void MendDisk() override { std::filesystem::remove(FaultFile()); }

 private:
  std::string FaultFile() const { return cluster.folder() / "disk"; }

  const std::string how_;
};

// Everything that the coordinator keeps lies on a file system of 8 MiB, which is filled to the last byte.
class SmallDiskRun final : public StudyRun {
 public:
  // Mounts it where this process and its children alone see it, so that nothing of it outlives them.
  SmallDiskRun() {
    const std::string disk = cluster.folder() / "small";
    std::filesystem::create_directory(disk);
    const bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         mount("none", disk.c_str(), "tmpfs", 0, "size=8m") == 0;
    if (!mounted) why_not_ = std::strerror(errno);
    if (mounted) disk_ = disk;
    cluster.UseDatabase(disk + "/athanor.db");
  }
  ~SmallDiskRun() override {
    if (!disk_.empty()) umount2(disk_.c_str(), MNT_DETACH);
  }
  // Why there is no such file system; "" if there is one.
  const std::string& why_not() const { return why_not_; }

  // What is freed meanwhile is taken too.
  void BreakDisk() override {
    const std::string page(4096, 'x');
    std::ofstream filler(disk_ + "/filler", std::ios::app | std::ios::binary);
    while (filler.write(page.data(), std::ssize(page)).flush()) continue;
    filler.clear();
    while (filler.put('x').flush()) continue;
  }
  void MendDisk() override { std::filesystem::remove(disk_ + "/filler"); }

 private:
  std::string disk_;
  std::string why_not_;
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

// The disk fails in the middle of a study and is well again after some seconds.
void ExpectNothingLost(StudyRun& run) {
  Cluster& cluster = run.cluster;
  run.StartStudy();
  ASSERT_TRUE(Until([&] { return cluster.Client({"best", "s"}).code == 0; })) << cluster.Logs();  // it has a value
  ASSERT_TRUE(Until([&] {
    run.BreakDisk();
    return !run.WriteError().empty();
  })) << cluster.Logs();
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

class DiskFaultTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Disks, DiskFaultTest, ::testing::Values("full", "sync"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(DiskFaultTest, StudyGoesThroughItWithoutLosingAnything) {
  FaultyDiskRun run(GetParam());
  ExpectNothingLost(run);
}

TEST(FullFileSystemTest, StudyGoesThroughItWithoutLosingAnything) {
  SmallDiskRun run;
  if (!run.why_not().empty()) GTEST_SKIP() << "a file system cannot be mounted here: " << run.why_not();
  ExpectNothingLost(run);
  run.cluster.StopWorkers(SIGTERM);
  run.cluster.server().Signal(SIGTERM);
  EXPECT_EQ(run.cluster.server().Wait(seconds(20)), 0) << run.cluster.Logs();
  ProcessOptions check;
  check.command = {ATHANOR_SERVER_PROGRAM, "check", run.cluster.database()};
  check.output = check.errors = run.cluster.folder() / "check.out";
  EXPECT_EQ(Process(check).Wait(seconds(30)), 0) << ReadFile(check.output);
}

TEST(DiskFaultAtStartTest, ReadOnlyDatabaseIsRefused) {
  FaultyDiskRun run("readonly");
  run.Start();
  run.cluster.server().Signal(SIGTERM);
  ASSERT_EQ(run.cluster.server().Wait(seconds(15)), 0);
  run.BreakDisk();
  EXPECT_THROW(run.Start(), std::runtime_error);
  EXPECT_EQ(run.cluster.server().Wait(seconds(15)), 1);
  EXPECT_THAT(ReadFile(run.cluster.folder() / "server.log"), HasSubstr("athanor.db: is read-only\n"));
}

}  // namespace
}  // namespace athanor
