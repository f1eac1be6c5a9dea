#include "server/simulate/recorded_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/server/simulate/tables.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Table;
using testing::TableStudy;
using testing::Text;
using testing::When;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(RecordedTaskTest, MeasuresTimeTargetsAndOptimum) {
  std::vector<std::vector<double>> values;
  for (int i = 0; i < 1000; ++i) values.push_back({static_cast<double>(i), static_cast<double>(1000 - i)});
  values[7] = {-3, kNan};  // its best is not its last, which ranks worst
  const auto task = Table(values);
  EXPECT_EQ(task->unit_seconds(), 2);
  EXPECT_EQ(task->optimum(), -3);
  // Final values are 1, 2, ..., 1000 without 993: the 10th and the 2nd.
  ASSERT_EQ(task->targets().size(), 2u);
  EXPECT_EQ(task->targets()[0].name, "1%");
  EXPECT_EQ(task->targets()[0].value, 10);
  EXPECT_EQ(task->targets()[1].name, "0.2%");
  EXPECT_EQ(task->targets()[1].value, 2);
  EXPECT_EQ(task->stock(), 1000);
}

TEST(RecordedTaskTest, OrientsWhatIsMaximised) {
  StudySpec study = TableStudy(1);
  study.objectives.front().goal = Goal::kMaximize;
  const auto task =
      RecordedTask::Create(study, {{{Value(0.0)}, {{1, 0.5, 1}}}, {{Value(1.0)}, {{1, 0.75, 3}}}}).value();
  EXPECT_EQ(task->optimum(), -0.75);
  EXPECT_EQ(task->targets()[0].value, -0.75);
  EXPECT_EQ(task->unit_seconds(), 2);
}

TEST(RecordedTaskTest, ScalesCoordinates) {
  StudySpec study = TableStudy(1);
  study.parameters = {Float("lr", 0.01, 1, Scale::kLog), Int("width", 10, 30),
                      Choice("opt", {Text("sgd"), Text("adam")}), When(Float("momentum", 0, 1), "opt", {Text("sgd")})};
  const Configuration configuration = {Value(0.1), Value(Number(15)), Value(Text("adam")), std::nullopt};
  const auto task = RecordedTask::Create(study, {{configuration, {{1, 0.5, 1}}}}).value();
  EXPECT_NEAR(task->PointOf(0)[0], 0.5, 1e-12);
  EXPECT_EQ(task->PointOf(0)[1], 0.25);
  EXPECT_EQ(task->PointOf(0)[2], 1);
  EXPECT_TRUE(std::isnan(task->PointOf(0)[3]));
}

TEST(RecordedTaskTest, RefusesWhatCannotBe) {
  const auto refusal = [](std::vector<RecordedRun> rows) {
    const auto task = RecordedTask::Create(TableStudy(2), std::move(rows));
    EXPECT_EQ(task.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(task.status().message());
  };
  const Configuration x = {Value(0.5)};
  EXPECT_EQ(refusal({}), "there are no configurations");
  EXPECT_EQ(refusal({{x, {}}}), "configuration 0: has no curve");
  EXPECT_THAT(refusal({{x, {{1, 1, 1}}}, {{Value(1.5)}, {{1, 1, 1}}}}), ::testing::StartsWith("configuration 1: "));
  EXPECT_THAT(refusal({{x, {{1, 1, 1}, {3, 1, 2}}}}), ::testing::HasSubstr("has step 3 after 1"));
  EXPECT_THAT(refusal({{x, {{1, 1, 1}, {1, 1, 2}}}}), ::testing::HasSubstr("has step 1 after 1"));
  EXPECT_THAT(refusal({{x, {{1, 1, 2}, {2, 1, 1}}}}), ::testing::HasSubstr("seconds that fall"));
  EXPECT_EQ(refusal({{x, {{1, kNan, 1}}}}), "no run has a finite value");
  EXPECT_EQ(refusal({{x, {{1, 1, 0}}}}), "the runs take no time");
}

}  // namespace
}  // namespace athanor
