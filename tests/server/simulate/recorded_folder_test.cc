#include "server/simulate/recorded_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/server/simulate/folders.h"

namespace athanor {
namespace {

using ::testing::EndsWith;
using testing::Folder;
using ::testing::HasSubstr;

constexpr const char* kSpace = R"(name: tiny
objective: {metric: accuracy, goal: maximize}
resource: epoch
max_resource: 3
parameters:
  lr: {type: float, min: 0.001, max: 1.0, scale: log}
  opt: {type: categorical, values: [sgd, adam]}
  momentum: {type: float, min: 0.0, max: 0.99, when: {opt: [sgd]}}
)";
constexpr const char* kConfigs = "config,opt,lr,momentum\n0,sgd,0.1,0.9\n1,adam,0.01,\n";
constexpr const char* kCurves = "config,step,value,seconds\n0,1,0.5,1\n0,2,nan,2.5\n1,1,0.25,4\n";

TEST(RecordedFolderTest, ReadsSpaceConfigurationsAndCurves) {
  const Folder folder("reads", kSpace, kConfigs, kCurves);
  const auto task = ReadRecordedFolder(folder.path());
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_EQ((*task)->name(), "tiny");
  EXPECT_EQ(MaxResource((*task)->study()), 3);
  EXPECT_EQ((*task)->study().objective().goal, Goal::kMaximize);
  ASSERT_EQ((*task)->rows().size(), 2u);
  EXPECT_EQ((*task)->rows()[0].configuration, (Configuration{Value(0.1), Value(std::string("sgd")), Value(0.9)}));
  EXPECT_EQ((*task)->rows()[1].configuration, (Configuration{Value(0.01), Value(std::string("adam")), std::nullopt}));
  ASSERT_EQ((*task)->rows()[0].points.size(), 2u);
  EXPECT_EQ((*task)->rows()[0].points[0].value, 0.5);
  EXPECT_TRUE(std::isnan((*task)->rows()[0].points[1].value));
  EXPECT_EQ((*task)->rows()[0].points[1].seconds, 2.5);
  EXPECT_DOUBLE_EQ((*task)->unit_seconds(), 3.25);
}

TEST(RecordedFolderTest, SaysWhereAFileIsWrong) {
  struct Case {
    const char* space;
    const char* configs;
    const char* curves;
    const char* message;
  };
  const Case cases[] = {
      {"name: x\n", kConfigs, kCurves, "space.yaml:1: the key \"objective\" is missing"},
      {kSpace, "config,lr,opt\n", kCurves, "configs.csv.gz:1: want the columns config and 3 parameters"},
      {kSpace, "config,lr,opt,beta\n", kCurves, "configs.csv.gz:1: column \"beta\" is no parameter"},
      {kSpace, "config,opt,lr,momentum\n0,rms,0.1,0.9\n", kCurves, "configs.csv.gz:2: \"rms\" is no value of opt"},
      {kSpace, "config,opt,lr,momentum\n1,sgd,0.1,0.9\n", kCurves, "configs.csv.gz:2: want config 0"},
      {kSpace, kConfigs, "config,step,value\n", "curves.csv.gz:1: want the columns config,step,value,seconds"},
      {kSpace, kConfigs, "config,step,value,seconds\n0,2,0.5,1\n",
       "curves.csv.gz:2: step 2 of config 0 comes after step 0"},
      {kSpace, kConfigs, "config,step,value,seconds\n7,1,0.5,1\n", "curves.csv.gz:2: config 7 does not exist"},
      {kSpace, kConfigs, "config,step,value,seconds\n0,1,x,1\n", "curves.csv.gz:2: want two ints and two numbers"},
      {kSpace, kConfigs, "config,step,value,seconds\n0,1,0.5,1\n", "configuration 1: has no curve"},
  };
  for (const Case& example : cases) {
    const Folder folder("wrong", example.space, example.configs, example.curves);
    const auto task = ReadRecordedFolder(folder.path());
    EXPECT_EQ(task.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(task.status().message()), HasSubstr(example.message));
  }
  EXPECT_THAT(std::string(ReadRecordedFolder("/nowhere").status().message()),
              EndsWith("/nowhere/space.yaml: cannot be opened"));
}

}  // namespace
}  // namespace athanor
