// Backups of a database that is being written to, with the real program, and the study that goes on from one.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "server/check/history_check.h"
#include "server/store/sqlite/sqlite_store.h"
#include "tests/integration/cluster.h"
#include "tests/server/store/store_fixture.h"

namespace athanor {
namespace {

using std::chrono::seconds;

struct Ran {
  int code = 0;
  std::string text;  // stdout, then stderr
};

Ran RunServer(const std::filesystem::path& folder, std::vector<std::string> arguments) {
  ProcessOptions options;
  options.command = {ATHANOR_SERVER_PROGRAM};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  options.output = folder / "operation.out";
  options.errors = folder / "operation.err";
  Process process(options);
  Ran ran;
  ran.code = process.Wait(seconds(60));
  ran.text = ReadFile(options.output) + ReadFile(options.errors);
  return ran;
}

// One trial that reports step after step, each in a commit of its own, as fast as the disk takes them.
class Writer {
 public:
  explicit Writer(Store& store) : store_(store) {
    EXPECT_TRUE(store_.Commit({PutStudy{SmallStudy(1, "load")}}).ok());
    Trial trial = SmallTrial(0);
    trial.attempts = 1;
    trial.started = At(2000);
    Attempt attempt = SmallAttempt(1, 0);
    attempt.resumed_step = 0;
    EXPECT_TRUE(store_.Commit({InsertTrial{1, trial}, InsertAttempt{1, attempt}}).ok());
    thread_ = std::jthread([this, trial](const std::stop_token& stop) mutable {
      for (int64_t step = 1; !stop.stop_requested(); ++step) {
        const double value = 1.0 / static_cast<double>(step);
        trial.best = trial.final = ObjectiveValue{value, step};
        trial.elapsed_ms = step;
        const absl::Status status =
            store_.Commit({AddMeasurement{1, 0, 1, {step, step, {{"loss", value}}}}, UpdateTrial{1, trial}});
        EXPECT_TRUE(status.ok()) << status;
        acknowledged_ = step;
      }
    });
  }
  int64_t acknowledged() const { return acknowledged_; }

 private:
  Store& store_;
  std::atomic<int64_t> acknowledged_ = 0;
  std::jthread thread_;
};

TEST(BackupTest, HoldsEverythingThatWasAcknowledgedBeforeItBegan) {
  const TemporaryDirectory directory;
  const std::string database = directory.File("athanor.db");
  auto store = OpenSqliteStore({.path = database});
  ASSERT_TRUE(store.ok()) << store.status();
  std::filesystem::create_directory(database + ".checkpoints");
  Writer writer(**store);
  for (int i = 0; i < 5; ++i) {
    while (writer.acknowledged() < 300 * (i + 1)) std::this_thread::yield();
    const std::string copy = directory.File("backup" + std::to_string(i) + ".db");
    const int64_t before = writer.acknowledged();
    const Ran backup = RunServer(directory.File(""), {"backup", copy, "--database", database});
    const int64_t after = writer.acknowledged();
    ASSERT_EQ(backup.code, 0) << backup.text;
    EXPECT_GT(after, before) << "the backup held the writer up";
    const Ran check = RunServer(directory.File(""), {"check", copy});
    EXPECT_EQ(check.code, 0) << check.text;

    const auto opened = OpenSqliteStore({.path = copy});
    ASSERT_TRUE(opened.ok()) << opened.status();
    const auto curves = (*opened)->ReadCurves(1, 0, {"loss"}, Archived::kLeaveOut);
    ASSERT_TRUE(curves.ok() && curves->size() == 1);
    EXPECT_GE(std::ssize(curves->front().points), before);
    EXPECT_LE(std::ssize(curves->front().points), after + 1);
    int64_t step = 0;
    for (const CurvePoint& point : curves->front().points) EXPECT_EQ(point.step, ++step);
  }
  const Ran check = RunServer(directory.File(""), {"check", database});
  EXPECT_EQ(check.code, 0) << "beside the writer: " << check.text;
}

constexpr char kLadder[] = R"(
name: ladder
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-3, max: 0.5, scale: log}
search: {method: random, seed: 3}
early_stopping: {method: asha, min_resource: 1, max_resource: 9, reduction_factor: 3}
budget: {trials: 30}
trainer: {model: mlp, epochs: 9}
)";

TEST(BackupTest, RestoredStudyGoesOnToItsEnd) {
  Cluster cluster;
  const std::string database = cluster.folder() / "athanor.db", copy = cluster.folder() / "backup.db";
  cluster.StartServer({"--lease", "2s", "--heartbeat", "500ms"});
  const WorkerSettings worker{.name = "first",
                              .slots = 3,
                              .trainer = ATHANOR_FAKE_TRAINER_PROGRAM,
                              .environment = {{"ATHANOR_FAKE_TRAINER", "step_ms=10"}}};
  cluster.StartWorker(worker);
  cluster.Submit(kLadder);
  while (cluster.Query({"study", "show", "ladder"})["trials"].value("PAUSED", 0) < 4) {
    ASSERT_TRUE(cluster.server().Running()) << cluster.Logs();
  }
  const nlohmann::json before = cluster.Query({"trial", "list", "ladder", "--order", "number", "--limit", "100"});
  const Ran backup = RunServer(cluster.folder(), {"backup", copy, "--database", database});
  ASSERT_EQ(backup.code, 0) << backup.text;
  EXPECT_EQ(RunServer(cluster.folder(), {"restore", copy, "--database", database, "--force"}).code, 1)
      << "while it is served";

  cluster.server().Signal(SIGKILL);
  cluster.server().Wait(seconds(5));
  EXPECT_EQ(RunServer(cluster.folder(), {"restore", copy, "--database", database}).code, 1) << "what is there stays";
  const Ran restore = RunServer(cluster.folder(), {"restore", copy, "--database", database, "--force"});
  ASSERT_EQ(restore.code, 0) << restore.text;
  cluster.StartServer({"--lease", "2s", "--heartbeat", "500ms"});
  const nlohmann::json after = cluster.Query({"trial", "list", "ladder", "--order", "number", "--limit", "100"});
  ASSERT_GE(after.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(after[i]["parameters"], before[i]["parameters"]);
  // The worker of then still runs: the leases that the backup does not know of are dead to it.
  const nlohmann::json study = cluster.WaitForStudy("ladder", seconds(120));
  EXPECT_EQ(study["state"], "COMPLETED") << study.dump(1);
  EXPECT_EQ(cluster.Query({"trial", "list", "ladder", "--limit", "100"}).size(), 30);
  cluster.StopWorkers(SIGTERM);
  cluster.server().Signal(SIGTERM);
  EXPECT_EQ(cluster.server().Wait(seconds(20)), 0);
  const Ran check = RunServer(cluster.folder(), {"check", database});
  EXPECT_EQ(check.code, 0) << check.text;
}

// A restored database whose files beside it are gone: nothing hangs, no result is another.
class LostFilesTest : public ::testing::Test {
 protected:
  LostFilesTest() {
    Start("first");
    cluster_.Submit(kLadder);
    while (cluster_.Query({"study", "show", "ladder"})["trials"].value("PAUSED", 0) < 6) {
      EXPECT_TRUE(cluster_.server().Running()) << cluster_.Logs();
    }
    cluster_.StopWorkers(SIGKILL);
    for (const nlohmann::json& attempt : Attempts()) last_token_ = std::max<int64_t>(last_token_, attempt["token"]);
    const Ran backup = RunServer(cluster_.folder(), {"backup", copy_, "--database", cluster_.database()});
    EXPECT_EQ(backup.code, 0) << backup.text;
    cluster_.server().Signal(SIGKILL);
    cluster_.server().Wait(seconds(5));
  }

  // Each worker keeps copies of the checkpoints that it made.
  void Start(const std::string& worker) {
    cluster_.StartServer({"--lease", "2s", "--heartbeat", "500ms"});
    cluster_.StartWorker({.name = worker,
                          .slots = 3,
                          .trainer = ATHANOR_FAKE_TRAINER_PROGRAM,
                          .environment = {{"ATHANOR_FAKE_TRAINER", "step_ms=10 log_lines=1"}}});
  }

  // Of all trials, by trial, then token.
  std::vector<nlohmann::json> Attempts() {
    std::vector<nlohmann::json> attempts;
    for (const nlohmann::json& trial : cluster_.Query({"trial", "list", "ladder", "--limit", "100"})) {
      const nlohmann::json shown = cluster_.Query({"trial", "show", "ladder", trial["number"].dump()});
      for (nlohmann::json attempt : shown["attempt_list"]) {
        attempt["trial"] = trial["number"];
        attempts.push_back(attempt);
      }
    }
    return attempts;
  }

  // The study ends. What goes on from before is trained from step 0, and nothing of before is in its log.
  void ExpectTrainedAgain() {
    Start("second");
    const nlohmann::json study = cluster_.WaitForStudy("ladder", seconds(120));
    EXPECT_EQ(study["state"], "COMPLETED") << study.dump(1);
    const std::vector<nlohmann::json> attempts = Attempts();
    std::vector<int64_t> gone;
    for (const nlohmann::json& attempt : attempts) {
      if (attempt["token"] <= last_token_) gone.push_back(attempt["token"]);
    }
    int again = 0;
    nlohmann::json before;
    for (const nlohmann::json& attempt : attempts) {
      const bool goes_on = attempt["token"] > last_token_ && !before.is_null() && before["token"] <= last_token_ &&
                           before["trial"] == attempt["trial"];
      before = attempt;
      if (!goes_on) continue;
      ++again;
      EXPECT_EQ(attempt["resumed_step"], 0) << attempt.dump();
      const std::string log = cluster_.Client({"trial", "logs", "ladder", attempt["trial"].dump()}).output;
      for (const int64_t token : gone) {
        EXPECT_EQ(log.find("--- attempt " + std::to_string(token) + " ---"), std::string::npos) << log;
      }
    }
    EXPECT_GT(again, 0);
    cluster_.StopWorkers(SIGTERM);
    cluster_.server().Signal(SIGTERM);
    EXPECT_EQ(cluster_.server().Wait(seconds(20)), 0);
    const Ran check = RunServer(cluster_.folder(), {"check", cluster_.database()});
    EXPECT_EQ(check.code, 0) << check.text;
  }

  Cluster cluster_;
  const std::string copy_ = cluster_.folder() / "backup.db";
  int64_t last_token_ = 0;  // that was given out before
};

TEST_F(LostFilesTest, ADatabaseFileAloneGoesOnFromStepZero) {
  for (const char* beside : {".checkpoints", ".logs"}) {
    EXPECT_GT(std::filesystem::remove_all(cluster_.database().string() + beside), 1) << beside;
  }
  ExpectTrainedAgain();
}

TEST_F(LostFilesTest, ARestoreWithoutCheckpointsAndLogsGoesOnFromStepZero) {
  std::filesystem::remove_all(copy_ + ".checkpoints");
  const Ran restore = RunServer(cluster_.folder(), {"restore", copy_, "--database", cluster_.database(), "--force"});
  ASSERT_EQ(restore.code, 0) << restore.text;
  EXPECT_NE(restore.text.find("left out: study 1, trial "), std::string::npos) << restore.text;
  EXPECT_NE(restore.text.find("athanor.db.logs.old-1"), std::string::npos) << restore.text;
  ExpectTrainedAgain();
}

TEST(BackupTest, FileLeftOpenIsCheckedWhileItIsServed) {
  Cluster cluster;
  cluster.StartServer();
  EXPECT_EQ(cluster.Query({"server", "status"})["integrity"], "ok");
  cluster.Submit(kLadder);
  cluster.server().Signal(SIGKILL);
  cluster.server().Wait(seconds(5));
  cluster.StartServer();
  std::string integrity;
  while ((integrity = cluster.Query({"server", "status"})["integrity"]) == "checking") {
  }
  EXPECT_EQ(integrity, "ok");
  EXPECT_NE(cluster.Logs().find("was not closed when it was last served"), std::string::npos);
}

TEST(OperationsTest, WrongUsageExitsWithTwo) {
  const TemporaryDirectory directory;
  const auto run = [&](std::vector<std::string> arguments) {
    return RunServer(directory.File(""), std::move(arguments));
  };
  EXPECT_EQ(run({"check"}).code, 2);
  EXPECT_EQ(run({"check", directory.File("nothing.db")}).code, 2);
  EXPECT_EQ(run({"backup", "a.db", "--listen", "127.0.0.1:1"}).code, 2);
  const Ran mixed = run({"--listen", "127.0.0.1:1", "backup", "a.db"});
  EXPECT_EQ(mixed.code, 2);
  EXPECT_NE(mixed.text.find("the flags of a subcommand go behind its name"), std::string::npos) << mixed.text;
  for (const char* command : {"check", "backup", "restore"}) {
    const Ran help = run({command, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_NE(help.text.find(std::string("Example: athanor-server ") + command), std::string::npos) << help.text;
  }
}

}  // namespace
}  // namespace athanor
