// The same file and seed give the same trials, however many workers there are.
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <string>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;

constexpr char kRandom[] = R"(
name: same
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-3, max: 0.5, scale: log}
  hidden_units:  {type: int, min: 8, max: 64}
  dropout:       {type: float, min: 0.0, max: 0.5}
search: {method: random, seed: 11}
budget: {trials: 8}
trainer: {model: mlp, epochs: 2, max_train_examples: 1000, max_test_examples: 200, batch_size: 32}
)";

// (number, configuration, seed, final value) of every trial, as text.
std::set<std::string> RunWith(int workers) {
  Cluster cluster;
  cluster.StartServer();
  for (int i = 0; i < workers; ++i) cluster.StartWorker("w" + std::to_string(i), 1);
  cluster.Submit(kRandom);
  cluster.WaitForStudy("same", seconds(120));
  std::set<std::string> facts;
  for (const nlohmann::json& trial : cluster.Query({"trial", "list", "same", "--limit", "100"})) {
    EXPECT_EQ(trial["state"], "COMPLETED") << trial.dump(1) << cluster.Logs();
    facts.insert(trial["number"].dump() + " " + trial["parameters"].dump() + " " + trial["seed"].dump() + " " +
                 trial["final_value"].dump());
  }
  return facts;
}

TEST(ReproducibilityTest, OneWorkerAndFourWorkersGiveIdenticalTrials) {
  const std::set<std::string> alone = RunWith(1);
  EXPECT_EQ(alone.size(), 8u);
  EXPECT_EQ(alone, RunWith(4));
}

}  // namespace
}  // namespace athanor
