// A study from submission to ranking, with every program for real.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <set>
#include <string>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;

constexpr char kAsha[] = R"(
name: slice
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-4, max: 1.0, scale: log}
  hidden_units:  {type: int, min: 8, max: 64, step: 8}
  optimizer:     {type: categorical, values: [sgd, adam]}
  momentum:      {type: float, min: 0.0, max: 0.99, when: {optimizer: [sgd]}}
search: {method: random, seed: 7}
early_stopping: {method: asha, min_resource: 1, max_resource: 4, reduction_factor: 2}
budget: {trials: 8}
trainer: {model: mlp, hidden_layers: 1, max_train_examples: 1500, max_test_examples: 200, batch_size: 50}
)";

TEST(EndToEndTest, StudyOnASliceOfFashionMnistEndsWithARanking) {
  Cluster cluster;
  cluster.StartServer();
  cluster.StartWorker("one", 1);
  cluster.StartWorker("two", 1);
  cluster.Submit(kAsha);
  const nlohmann::json study = cluster.WaitForStudy("slice", seconds(180));
  ASSERT_EQ(study["state"], "COMPLETED") << study.dump(1);

  const nlohmann::json trials = cluster.Query({"trial", "list", "slice", "--order", "best", "--limit", "100"});
  ASSERT_EQ(trials.size(), 8u) << trials.dump(1) << cluster.Logs();
  std::set<int64_t> numbers;
  double last = 1;
  int completed = 0, pruned = 0;
  for (const nlohmann::json& trial : trials) {
    numbers.insert(trial["number"].get<int64_t>());
    completed += trial["state"] == "COMPLETED";
    pruned += trial["state"] == "PRUNED";
    ASSERT_TRUE(trial["best_value"].is_number()) << trial.dump(1);
    EXPECT_LE(trial["best_value"].get<double>(), last);
    last = trial["best_value"].get<double>();
  }
  EXPECT_EQ(numbers.size(), 8u);
  EXPECT_EQ(*numbers.rbegin(), 7);
  EXPECT_GE(completed, 1);
  EXPECT_EQ(completed + pruned, 8);
  EXPECT_GT(trials[0]["best_value"].get<double>(), 0.5) << trials.dump(1);

  const ClientResult best = cluster.Client({"best", "slice"});
  EXPECT_EQ(best.code, 0) << best.errors;
  EXPECT_NE(best.output.find("learning_rate"), std::string::npos) << best.output;

  const std::string number = std::to_string(trials[0]["number"].get<int64_t>());
  const ClientResult measured = cluster.Client({"trial", "evaluate", "slice", number});
  EXPECT_EQ(measured.code, 0) << measured.errors;
  EXPECT_NE(measured.output.find("test_accuracy"), std::string::npos) << measured.output;
  const std::string folder = cluster.folder() / "exported";
  EXPECT_EQ(cluster.Client({"trial", "export", "slice", number, "--out", folder}).code, 0) << cluster.Logs();
  EXPECT_TRUE(std::filesystem::exists(folder + "/model.pt"));
}

TEST(EndToEndTest, EveryProgramLeavesWithStatusZeroOnSigterm) {
  Cluster cluster;
  cluster.StartServer();
  Process& worker = cluster.StartWorker("one", 1);
  cluster.Submit(kAsha);
  while (cluster.Query({"study", "show", "slice"})["trials"].value("RUNNING", 0) == 0) {
    ASSERT_TRUE(worker.Running()) << cluster.Logs();
  }
  worker.Signal(SIGTERM);
  EXPECT_EQ(worker.Wait(seconds(40)), 0) << cluster.Logs();
  // Handed back at once, not by expiry of the 30 s lease.
  const nlohmann::json counts = cluster.Query({"study", "show", "slice"})["trials"];
  EXPECT_EQ(counts.value("RUNNING", 0), 0) << counts.dump() << cluster.Logs();
  cluster.server().Signal(SIGTERM);
  EXPECT_EQ(cluster.server().Wait(seconds(15)), 0) << cluster.Logs();
}

}  // namespace
}  // namespace athanor
