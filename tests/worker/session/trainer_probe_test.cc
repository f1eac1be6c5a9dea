#include "worker/session/trainer_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/trainer_options.h"

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<HelloMessage> Probe(const std::vector<std::string>& command,
                                   Duration timeout = std::chrono::seconds(20)) {
  boost::asio::io_context io;
  return ProbeTrainer(io, command, timeout);
}

TEST(TrainerProbeTest, ReturnsHello) {
  const auto hello = Probe({ATHANOR_FAKE_TRAINER_PROGRAM, "blas=reference", "devices=cpu,cuda:0"});
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(hello->blas, "reference");
  EXPECT_THAT(hello->devices, ElementsAre("cpu", "cuda:0"));
  EXPECT_EQ(hello->option_table_hash, TrainerOptionsHash());
}

TEST(TrainerProbeTest, RefusesAnotherProtocol) {
  const auto hello = Probe({ATHANOR_FAKE_TRAINER_PROGRAM, "protocol=2"});
  EXPECT_TRUE(absl::IsFailedPrecondition(hello.status()));
  EXPECT_THAT(std::string(hello.status().message()), HasSubstr("trainer protocol 2, this worker 1"));
}

TEST(TrainerProbeTest, QuotesTheLogOfATrainerThatExits) {
  const auto hello = Probe({"sh", "-c", "echo libtorch.so not found >&2; exit 127"});
  EXPECT_TRUE(absl::IsFailedPrecondition(hello.status()));
  EXPECT_THAT(std::string(hello.status().message()), HasSubstr("exit code 127\nlibtorch.so not found"));
}

TEST(TrainerProbeTest, DoesNotWaitForEver) {
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      Probe({ATHANOR_FAKE_TRAINER_PROGRAM, "hello=none"}, std::chrono::milliseconds(50)).status()));
}

}  // namespace
}  // namespace athanor::session
