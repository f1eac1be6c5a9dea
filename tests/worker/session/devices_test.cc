#include "worker/session/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/session/temporary_folder.h"

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const NodeHardware kNode{
    .cores = 3,
    .cpu_name = "Fast CPU",
    .memory_bytes = 1000,
    .gpus = {{0, {.name = "A100", .memory_bytes = 40}}, {1, {.name = "H100", .memory_bytes = 80}}}};
const std::vector<std::string> kCpuOnly = {"cpu"};
const std::vector<std::string> kTwoGpus = {"cpu", "cuda:0", "cuda:1"};

TEST(PlanDevicesTest, AssignsSlots) {
  struct Case {
    std::string flag;
    std::optional<int> slots;
    std::vector<std::string> trainer;
    std::vector<std::string> slot_devices;
  };
  const std::vector<Case> table = {
      {"auto", std::nullopt, kCpuOnly, {"cpu", "cpu", "cpu"}},
      {"auto", 2, kCpuOnly, {"cpu", "cpu"}},
      {"auto", std::nullopt, kTwoGpus, {"cuda:0", "cuda:1"}},
      {"auto", 3, kTwoGpus, {"cuda:0", "cuda:1", "cuda:0"}},
      {"auto", 1, kTwoGpus, {"cuda:0"}},
      {"cpu", std::nullopt, kTwoGpus, {"cpu", "cpu", "cpu"}},
      {"cuda:1", std::nullopt, kTwoGpus, {"cuda:1"}},
      {"cuda:1", 2, kTwoGpus, {"cuda:1", "cuda:1"}},
  };
  for (const Case& c : table) {
    const auto plan = PlanDevices(c.flag, c.slots, c.trainer, kNode);
    ASSERT_TRUE(plan.ok()) << c.flag << plan.status();
    EXPECT_EQ(plan->slot_devices, c.slot_devices) << c.flag;
  }
}

TEST(PlanDevicesTest, AdvertisesWhatTheSlotsUse) {
  const auto gpu = PlanDevices("cuda:1", std::nullopt, kTwoGpus, kNode);
  ASSERT_EQ(gpu->devices.size(), 1u);
  EXPECT_EQ(gpu->devices[0].kind(), "cuda");
  EXPECT_EQ(gpu->devices[0].name(), "H100");
  EXPECT_EQ(gpu->devices[0].memory_bytes(), 80);
  const auto cpu = PlanDevices("cpu", 2, kTwoGpus, kNode);
  ASSERT_EQ(cpu->devices.size(), 1u);
  EXPECT_EQ(cpu->devices[0].kind(), "cpu");
  EXPECT_EQ(cpu->devices[0].name(), "Fast CPU");
}

TEST(PlanDevicesTest, RefusesWhatTheTrainerDoesNotSee) {
  const auto plan = PlanDevices("cuda:2", std::nullopt, kTwoGpus, kNode);
  EXPECT_TRUE(absl::IsInvalidArgument(plan.status()));
  EXPECT_THAT(std::string(plan.status().message()), HasSubstr("cpu, cuda:0, cuda:1"));
  for (const char* flag : {"gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", ""}) {
    EXPECT_TRUE(absl::IsInvalidArgument(PlanDevices(flag, std::nullopt, kTwoGpus, kNode).status())) << flag;
  }
}

TEST(ParseGpuListTest, ReadsIndexNameAndMemory) {
  const auto gpus = ParseGpuList("0, NVIDIA A100-SXM4-40GB, 40960\n1, Tesla T4, 15360\nnonsense\n");
  ASSERT_EQ(gpus.size(), 2u);
  EXPECT_EQ(gpus.at(0).name, "NVIDIA A100-SXM4-40GB");
  EXPECT_EQ(gpus.at(0).memory_bytes, int64_t{40960} << 20);
  EXPECT_EQ(gpus.at(1).name, "Tesla T4");
}

TEST(ParseGpuListTest, FindsNoneInAnErrorMessage) {
  EXPECT_THAT(ParseGpuList("NVIDIA-SMI has failed, because it, could not\n"), IsEmpty());
}

TEST(FindDatasetsTest, WantsAllFourFiles) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "fashion-mnist");
  WriteFile(folder / "fashion-mnist/train-images-idx3-ubyte.gz", "");
  WriteFile(folder / "fashion-mnist/train-labels-idx1-ubyte", "");
  WriteFile(folder / "fashion-mnist/t10k-images-idx3-ubyte", "");
  EXPECT_THAT(FindDatasets(folder.path()), IsEmpty());
  WriteFile(folder / "fashion-mnist/t10k-labels-idx1-ubyte.gz", "");
  EXPECT_THAT(FindDatasets(folder.path()), ElementsAre("fashion-mnist"));
}

}  // namespace
}  // namespace athanor::session
