// What is left of a study's trials besides their numbers: artifacts and the checkpoints of the best.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr char kStudy[] = R"(
name: leaving
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-3, max: 0.5, scale: log}
search: {method: random, seed: 5}
budget: {trials: 3}
trainer: {model: mlp, epochs: 4}
)";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ArtifactsTest, ArtifactsAndTheBestCheckpointOutliveTrialWorkerAndCoordinator) {
  Cluster cluster;
  cluster.StartServer();
  cluster.Submit(kStudy);
  cluster.StartWorker({.name = "w",
                       .slots = 2,
                       .trainer = ATHANOR_FAKE_TRAINER_PROGRAM,
                       .environment = {{"ATHANOR_FAKE_TRAINER", "artifact=curve.csv"}}});
  ASSERT_EQ(cluster.WaitForStudy("leaving", seconds(60))["state"], "COMPLETED");
  cluster.StopWorkers(SIGTERM);  // what is still on its way is out then
  cluster.server().Signal(SIGKILL);
  cluster.server().Wait(seconds(10));
  cluster.StartServer();

  const nlohmann::json ranking = cluster.Query({"trial", "list", "leaving", "--order", "best"});
  ASSERT_EQ(ranking.size(), 3u);
  const std::string best = std::to_string(ranking[0]["number"].get<int>());
  const nlohmann::json artifacts = cluster.Query({"trial", "artifacts", "leaving", best});
  ASSERT_EQ(artifacts.size(), 4u) << cluster.Logs();
  EXPECT_EQ(artifacts[3]["name"], "curve.csv");
  EXPECT_EQ(artifacts[3]["step"], 4);
  EXPECT_EQ(cluster.Client({"trial", "artifact", "leaving", best, "curve.csv"}).output, "4\n");
  EXPECT_EQ(cluster.Client({"trial", "artifact", "leaving", best, "curve.csv", "--step", "2"}).output, "2\n");
  EXPECT_EQ(cluster.Query({"server", "status"})["artifact_bytes"], 3 * 4 * 2);

  const std::string file = cluster.folder() / "best.ckpt";
  const ClientResult fetched = cluster.Client({"trial", "checkpoint", "leaving", best, "--out", file});
  EXPECT_EQ(fetched.code, 0) << fetched.errors;
  EXPECT_TRUE(ReadFile(file).starts_with("4 ")) << "the scripted trainer's checkpoint of its last step";
  const std::string worst = std::to_string(ranking[2]["number"].get<int>());
  const ClientResult gone = cluster.Client({"trial", "checkpoint", "leaving", worst, "--out", file});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.errors, HasSubstr("has no checkpoint any more: COMPLETED, and not among the best 1"));

  ASSERT_EQ(cluster.Client({"study", "delete", "leaving", "--yes"}).code, 0);
  for (int i = 0; i < 100 && !std::filesystem::is_empty(cluster.database().string() + ".artifacts"); ++i) {
    cluster.Query({"server", "status"});
  }
  EXPECT_TRUE(std::filesystem::is_empty(cluster.database().string() + ".artifacts"));
}

}  // namespace
}  // namespace athanor
