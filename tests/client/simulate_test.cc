// `athanor simulate` over a folder that the test writes, over a function, and over a study of the coordinator.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "client/cli/simulate_policies.h"
#include "client/cli/simulate_tasks.h"
#include "tests/client/cli_fixture.h"
#include "tests/server/simulate/folders.h"

namespace athanor::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SimulateTest : public CliTest {
 protected:
  // 20 configurations of 3 epochs; a unit is 3 s.
  SimulateTest() : folder_("cli", kSpace, Configs(), Curves()) {}

  static constexpr const char* kSpace =
      "name: tiny\nobjective: {metric: loss, goal: minimize}\nmax_resource: 3\nparameters:\n"
      "  x: {type: float, min: 0.0, max: 1.0}\n";
  static std::string Configs() {
    std::string text = "config,x\n";
    for (int i = 0; i < 20; ++i) text += std::to_string(i) + "," + std::to_string(i / 20.0) + "\n";
    return text;
  }
  static std::string Curves() {
    std::string text = "config,step,value,seconds\n";
    for (int i = 0; i < 20; ++i) {
      for (int step = 1; step <= 3; ++step) {
        text += std::to_string(i) + "," + std::to_string(step) + "," + std::to_string(i + 3 - step) + "," +
                std::to_string(step) + "\n";
      }
    }
    return text;
  }
  Outcome Simulate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"simulate", "--curves", folder_.path(), "--workers", "1,2", "--seeds", "3"});
    return Run(std::move(arguments));
  }

  testing::Folder folder_;
};

TEST_F(SimulateTest, ComparesPoliciesWithRandomSearch) {
  const Outcome outcome = Simulate({"--policy", "early_stopping: {method: asha}", "-o", "json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto records = nlohmann::json::parse(outcome.out);
  // Two numbers of workers, two policies, two targets, the task and all.
  ASSERT_EQ(records.size(), 16u);
  EXPECT_EQ(records[0]["policy"], "random");
  EXPECT_EQ(records[0]["task"], "tiny");
  EXPECT_EQ(records[0]["target"], "1%");
  EXPECT_EQ(records[0]["speed_up"], 1);
  EXPECT_EQ(records[4]["policy"], "random asha");
  EXPECT_GT(records[4]["speed_up"], 0);
}

TEST_F(SimulateTest, PrintsTablesAndTheSameWhateverTheThreads) {
  const std::vector<std::string> arguments = {"--policy", "name: halving, early_stopping: {method: asha}",
                                              "--per-task"};
  auto threads = [&](const char* jobs) {
    std::vector<std::string> with = arguments;
    with.insert(with.end(), {"--jobs", jobs});
    return Simulate(with);
  };
  const Outcome one = threads("1");
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_THAT(one.out, StartsWith("WORKERS  POLICY"));
  EXPECT_THAT(one.out, HasSubstr("halving"));
  EXPECT_THAT(one.out, HasSubstr("TO 0.2%, 2 WORKERS"));
  EXPECT_EQ(threads("3").out, one.out);
}

TEST_F(SimulateTest, WritesTheSameLogWhateverTheThreads) {
  const auto log = [&](const char* jobs) {
    const std::string path = ::testing::TempDir() + "simulate_test.log";
    EXPECT_EQ(Simulate({"--log", path, "--jobs", jobs, "--slow", "0.5", "--lost", "0.1"}).exit_code, 0);
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string once = log("1");
  EXPECT_THAT(once, StartsWith("simulation tiny random workers 1 seed 0\nstudy \"tiny\" random none\ntrial 0 x="));
  EXPECT_THAT(once, HasSubstr("\nsimulation tiny random workers 2 seed 2\n"));
  EXPECT_EQ(log("4"), once);
}

TEST_F(SimulateTest, ShowsRegretAndTotals) {
  const Outcome regret = Simulate({"--show", "regret", "-o", "csv"});
  ASSERT_EQ(regret.exit_code, 0) << regret.err;
  EXPECT_THAT(regret.out, StartsWith("workers,policy,task,axis,at,regret\r\n"));
  // Every row is run in the end: 20 * 3 steps, and nothing is left to regret.
  EXPECT_THAT(regret.out, HasSubstr("1,random,tiny,steps,60"));
  const Outcome totals = Simulate({"--show", "totals", "-o", "json"});
  const auto records = nlohmann::json::parse(totals.out);
  EXPECT_EQ(records[0]["steps"], 60);
  EXPECT_EQ(records[0]["completed"], 20);
  EXPECT_EQ(records[0]["regret"], 0);
  EXPECT_EQ(records[0]["time"], 20);
}

TEST_F(SimulateTest, RunsFunctions) {
  const Outcome outcome = Run({"simulate", "--bbob", "1,5", "--dimensions", "2,5", "--instances", "2", "--seeds", "1",
                               "--workers", "1", "--trials", "130", "--mixed", "--show", "totals", "-o", "json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto records = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(records.size(), 8u);
  EXPECT_EQ(records[0]["task"], "f01-d2-i1-mixed");
  EXPECT_EQ(records[7]["task"], "f05-d5-i2-mixed");
  EXPECT_EQ(records[7]["steps"], 130);  // no cut-off unless asked for
}

TEST_F(SimulateTest, ReplaysAStudyUnderOtherRules) {
  coordinator_.curve = Parse<v1::Curve>(R"pb(
    metrics {
      metric: "accuracy"
      steps: [ 1, 3 ]
      values: [ 0.5, 0.9 ]
      elapsed_ms: [ 1000, 4000 ]
    })pb");
  const Outcome outcome =
      Run({"simulate", "--study", "quick", "--workers", "1", "--seeds", "1", "--show", "totals", "-o", "json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto records = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["policy"], "recorded");
  EXPECT_EQ(records[0]["steps"], 2);  // of the one trial with values
  EXPECT_EQ(records[0]["regret"], 0);
}

TEST_F(SimulateTest, RefusesBadInput) {
  struct Case {
    std::vector<std::string> arguments;
    const char* message;
  };
  const Case cases[] = {
      {{"simulate"}, "want one of --curves, --bbob and --study"},
      {{"simulate", "--bbob", "25", "--show", "totals"}, "--bbob: \"25\"; want numbers from 1 to 24"},
      {{"simulate", "--bbob", "1"}, "--show speed-up: functions have no table"},
      {{"simulate", "--curves", "/nowhere"}, "/nowhere/space.yaml: cannot be opened"},
      {{"simulate", "--bbob", "1", "--show", "totals", "--policy", "search: {metod: tpe}"}, "search.metod"},
      {{"simulate", "--bbob", "1", "--show", "totals", "--policy", "trainer: {epochs: 3}"}, "trainer"},
      {{"simulate", "--bbob", "1", "--show", "totals", "--policy", "name: random"},
       "two policies are called \"random\""},
      {{"simulate", "--bbob", "1", "--show", "totals", "--workers", "4-2"}, "--workers: \"4-2\""},
      {{"simulate", "--curves", "x", "--mixed"}, "--mixed: want --bbob"},
  };
  for (const Case& example : cases) {
    const Outcome outcome = Run(example.arguments);
    EXPECT_EQ(outcome.exit_code, kBadInput) << example.message;
    EXPECT_THAT(outcome.err, HasSubstr(example.message));
  }
}

TEST(ParsePolicyTest, ReadsTheWordsOfAStudyFile) {
  const auto policy =
      ParsePolicy("search: {method: sobol}, early_stopping: {method: asha, min_resource: 3}", Proposals::kAsRecorded);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->name, "sobol asha");
  EXPECT_EQ(policy->proposals, Proposals::kSearched);
  const auto& asha = std::get<AshaPromotion>(policy->early_stopping);
  EXPECT_EQ(asha.min_resource, 3);
  EXPECT_EQ(asha.finalists, 0);
  const auto plain = ParsePolicy("", Proposals::kAsRecorded);
  EXPECT_EQ(plain->name, "recorded");
  EXPECT_EQ(plain->proposals, Proposals::kAsRecorded);
}

TEST(ParseNumbersTest, ReadsRanges) {
  EXPECT_EQ(*ParseNumbers("1,3,5-7", "--x", 1, 9), (std::vector<int64_t>{1, 3, 5, 6, 7}));
  for (const char* wrong : {"", "0", "10", "1,", "a", "3-1", "1-", "1 2"}) {
    EXPECT_FALSE(ParseNumbers(wrong, "--x", 1, 9).ok()) << wrong;
  }
}

}  // namespace
}  // namespace athanor::cli
