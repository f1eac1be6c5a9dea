// What a person does wrong is refused in one clear line, and nothing is stored.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;

struct BadStudy {
  const char* name;
  const char* from;  // replaced in the good file ...
  const char* to;    // ... by this
  const char* line;  // "3" means the message names line 3
  const char* says;  // and holds this
};

constexpr char kGood[] = R"(name: bad
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-4, max: 1.0, scale: log}
  optimizer: {type: categorical, values: [sgd, adam]}
  momentum: {type: float, min: 0.0, max: 0.9, when: {optimizer: [sgd]}}
search: {method: random}
budget: {trials: 4}
trainer: {model: mlp, epochs: 2}
)";

const BadStudy kBad[] = {
    {"UnknownKey", "budget:", "budgets:", "8", "budgets"},
    {"WrongType", "trials: 4", "trials: four", "8", "budget.trials"},
    {"MinAboveMax", "min: 1e-4", "min: 2.0", "4", "parameters.learning_rate"},
    {"LogScaleFromZero", "min: 1e-4", "min: 0", "4", "parameters.learning_rate.min"},
    {"DuplicateValue", "[sgd, adam]", "[sgd, sgd]", "5", "parameters.optimizer.values"},
    {"DuplicateParameter", "  momentum:", "  optimizer: {type: categorical, values: [sgd, adam]}\n  momentum:", "6",
     "optimizer"},
    {"UnknownParent", "when: {optimizer:", "when: {optimiser:", "6", "parameters.momentum.when"},
    {"UnknownParentValue", "[sgd]}", "[adagrad]}", "6", "adagrad"},
    {"Cycle", "values: [sgd, adam]", "values: [sgd, adam], when: {momentum: [0.5]}", "", "when"},
    {"StepNotPositive", "max: 0.9,", "max: 0.9, step: 0,", "6", "parameters.momentum.step"},
    {"GridOverAFloat", "method: random", "method: grid", "4", "parameters.learning_rate"},
    {"UnknownTrainerOption", "epochs: 2", "epoch: 2", "9", "trainer.epoch"},
    {"TunedAndFixed", "epochs: 2", "momentum: 0.5", "", "momentum"},
    {"NotYaml", "budget: {trials: 4}", "budget: {trials: 4", "", ":"},
};

TEST(BadInputTest, StudyFileIsRefusedWithFileLineAndKey) {
  Cluster cluster;
  cluster.StartServer();
  for (const BadStudy& bad : kBad) {
    SCOPED_TRACE(bad.name);
    std::string text = kGood;
    const size_t at = text.find(bad.from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, std::string(bad.from).size(), bad.to);
    const auto file = cluster.folder() / (std::string(bad.name) + ".yaml");
    std::ofstream(file) << text;
    const ClientResult result = cluster.Client({"study", "submit", file});
    EXPECT_EQ(result.code, 2) << result.errors;
    EXPECT_EQ(std::ranges::count(result.errors, '\n'), 1) << result.errors;
    EXPECT_NE(result.errors.find(file.string() + ":" + bad.line), std::string::npos) << result.errors;
    EXPECT_NE(result.errors.find(bad.says), std::string::npos) << result.errors;
  }
  EXPECT_EQ(cluster.Query({"study", "list"}).size(), 0u);
}

TEST(BadInputTest, PortInUseIsNamed) {
  Cluster cluster;
  cluster.StartServer();
  ProcessOptions options;
  options.command = {ATHANOR_SERVER_PROGRAM, "--listen", cluster.address(), "--database",
                     cluster.folder() / "other.db"};
  options.output = cluster.folder() / "second.out";
  options.errors = cluster.folder() / "second.err";
  Process second(options);
  EXPECT_EQ(second.Wait(seconds(15)), 1);
  EXPECT_NE(ReadFile(options.errors).find(cluster.address()), std::string::npos) << ReadFile(options.errors);
}

TEST(BadInputTest, UnknownStudyAndUnreachableCoordinatorHaveTheirExitCodes) {
  Cluster cluster;
  cluster.StartServer();
  const ClientResult unknown = cluster.Client({"study", "show", "nobody"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_NE(unknown.errors.find("nobody"), std::string::npos) << unknown.errors;
  EXPECT_EQ(cluster.Client({"study", "shw"}).code, 2);
  cluster.server().Signal(9);
  cluster.server().Wait(seconds(5));
  EXPECT_EQ(cluster.Client({"study", "list"}).code, 3);
}

TEST(BadInputTest, TruncatedDataFailsTheTrialsAndTheWorkerLivesOn) {
  Cluster cluster;
  cluster.StartServer();
  Process& worker = cluster.StartWorker("one", 1);
  const auto data = cluster.folder() / "data";
  std::filesystem::create_directory(data);
  for (const char* name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    std::ofstream(data / name, std::ios::binary) << std::string("\0\0\x08\x03\0\0\0\x0a", 8);
  }
  cluster.Submit(
      "name: broken\nobjective: {metric: val_accuracy, goal: maximize}\nparameters:\n"
      "  learning_rate: {type: float, min: 1e-4, max: 1.0}\nbudget: {trials: 2}\nretry: {max_attempts: 1}\n"
      "trainer: {dataset: idx, data_dir: " +
      data.string() + "}\n");
  cluster.WaitForStudy("broken", seconds(60));
  for (const nlohmann::json& trial : cluster.Query({"trial", "list", "broken"})) {
    EXPECT_TRUE(trial["state"] == "FAILED" || trial["state"] == "INFEASIBLE") << trial.dump(1);
    EXPECT_NE(trial["reason"].get<std::string>().find("train-images-idx3-ubyte"), std::string::npos) << trial.dump(1);
  }
  EXPECT_TRUE(worker.Running()) << cluster.Logs();
}

}  // namespace
}  // namespace athanor
