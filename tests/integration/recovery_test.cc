// Programs die in mid-study; the study ends with the same facts.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;

constexpr char kRandom[] = R"(
name: survivor
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-3, max: 0.5, scale: log}
search: {method: random, seed: 3}
budget: {trials: 6}
trainer: {model: mlp, hidden_units: 64, epochs: 6, max_train_examples: 6000, max_test_examples: 200, batch_size: 16}
)";

void WaitUntilRunning(Cluster& cluster, int trials) {
  while (cluster.Query({"study", "show", "survivor"})["trials"].value("RUNNING", 0) < trials) {
    ASSERT_TRUE(cluster.server().Running()) << cluster.Logs();
  }
}

// (number, final value) of every trial.
std::string FinalValues(Cluster& cluster) {
  std::string text;
  for (const nlohmann::json& trial :
       cluster.Query({"trial", "list", "survivor", "--order", "number", "--limit", "100"})) {
    EXPECT_EQ(trial["state"], "COMPLETED") << trial.dump(1) << cluster.Logs();
    text += trial["number"].dump() + ":" + trial["final_value"].dump() + "\n";
  }
  return text;
}

std::string Undisturbed() {
  static const std::string values = [] {
    Cluster cluster;
    cluster.StartServer();
    cluster.StartWorker("calm", 2);
    cluster.Submit(kRandom);
    cluster.WaitForStudy("survivor", seconds(180));
    return FinalValues(cluster);
  }();
  return values;
}

TEST(RecoveryTest, TrialsOfAKilledWorkerRunElsewhere) {
  Cluster cluster;
  cluster.StartServer({"--lease", "2s", "--heartbeat", "500ms"});
  Process& victim = cluster.StartWorker("victim", 2);
  cluster.Submit(kRandom);
  WaitUntilRunning(cluster, 2);
  victim.Signal(SIGKILL);
  victim.Wait(seconds(5));
  cluster.StartWorker("heir", 2);
  const nlohmann::json study = cluster.WaitForStudy("survivor", seconds(180));
  EXPECT_EQ(study["state"], "COMPLETED") << study.dump(1);
  EXPECT_EQ(FinalValues(cluster), Undisturbed());
}

TEST(RecoveryTest, KilledCoordinatorGoesOnWhereItStood) {
  Cluster cluster;
  cluster.StartServer();
  cluster.StartWorker("loyal", 2);
  cluster.Submit(kRandom);
  WaitUntilRunning(cluster, 2);
  cluster.server().Signal(SIGKILL);
  cluster.server().Wait(seconds(5));
  cluster.StartServer();
  const nlohmann::json study = cluster.WaitForStudy("survivor", seconds(180));
  EXPECT_EQ(study["state"], "COMPLETED") << study.dump(1);
  EXPECT_EQ(FinalValues(cluster), Undisturbed());
}

}  // namespace
}  // namespace athanor
