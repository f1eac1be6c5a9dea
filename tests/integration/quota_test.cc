// A coordinator with room for next to no checkpoint: paused trials give way, uploads are refused, and the study ends
// with the values that it has without a quota.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "tests/integration/cluster.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr char kStudy[] = R"(
name: crowded
objective: {metric: val_accuracy, goal: maximize}
parameters:
  learning_rate: {type: float, min: 1e-3, max: 0.5, scale: log}
search: {method: random, seed: 5}
early_stopping: {method: asha, min_resource: 1, max_resource: 9, reduction_factor: 3}
budget: {trials: 12}
checkpoint: {interval: 0}
trainer: {model: mlp, epochs: 9}
)";

struct Course {
  nlohmann::json study;
  std::map<std::pair<int64_t, int64_t>, double> values;  // by trial and step
  int trained_again = 0;                                 // later attempts that began at step 0
  nlohmann::json status;
  std::string logs;
};

// The scripted trainer's checkpoints have 20 to 30 bytes.
Course RunWith(const std::string& quota) {
  Cluster cluster;
  cluster.StartServer({"--checkpoint-quota", quota});
  cluster.Submit(kStudy);
  cluster.StartWorker({.name = "w", .slots = 1, .trainer = ATHANOR_FAKE_TRAINER_PROGRAM});
  Course course;
  course.study = cluster.WaitForStudy("crowded", seconds(120));
  for (const nlohmann::json& trial : cluster.Query({"study", "export", "crowded", "--curves"})) {
    for (const nlohmann::json& point : trial["measurements"]) {
      if (point["metric"] == "val_accuracy") course.values[{point["number"], point["step"]}] = point["value"];
    }
  }
  for (int trial = 0; trial < 12; ++trial) {
    const nlohmann::json attempts = cluster.Query({"trial", "show", "crowded", std::to_string(trial)})["attempt_list"];
    for (size_t i = 1; i < attempts.size(); ++i) course.trained_again += attempts[i]["resumed_step"] == 0;
  }
  EXPECT_EQ(cluster.Query({"study", "gc", "crowded", "--dry-run"})["deleted"].size(), 0u);
  course.status = cluster.Query({"server", "status"});
  course.logs = cluster.Logs();
  return course;
}

TEST(QuotaTest, AStudyEndsWithTheSameValuesHoweverLittleRoomThereIs) {
  const Course free = RunWith("0");
  ASSERT_EQ(free.study["state"], "COMPLETED") << free.logs;
  EXPECT_EQ(free.trained_again, 0);
  EXPECT_EQ(free.status["checkpoint_quota_bytes"], 0);
  struct Case {
    const char* quota;
    const char* log;  // of the coordinator or the worker
  };
  for (const Case& tight : {Case{"70", "gave way to one of another trial"}, Case{"10", "was not uploaded"}}) {
    const Course course = RunWith(tight.quota);
    ASSERT_EQ(course.study["state"], "COMPLETED") << course.logs;
    EXPECT_EQ(course.study["trials"]["COMPLETED"].get<int>() + course.study["trials"].value("PRUNED", 0), 12);
    EXPECT_THAT(course.logs, HasSubstr(tight.log));
    EXPECT_GT(course.trained_again, 0) << tight.quota;
    EXPECT_EQ(course.status["checkpoint_quota_bytes"], std::stoi(tight.quota));
    EXPECT_LE(course.status["checkpoint_bytes"], std::stoi(tight.quota));
    size_t shared = 0;
    for (const auto& [at, value] : course.values) {
      const auto same = free.values.find(at);
      if (same == free.values.end()) continue;  // who is promoted depends on who has reported by then
      ++shared;
      EXPECT_EQ(same->second, value) << "trial " << at.first << " step " << at.second;
    }
    EXPECT_GE(shared, 12u) << "every trial has a value at the first rung";
  }
}

}  // namespace
}  // namespace athanor
