#include "worker/session/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace athanor::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::variant<Flags, FlagsExit> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "athanor-worker");
  return ParseFlags(static_cast<int>(arguments.size()), arguments.data());
}

TEST(FlagsTest, HasDefaultsThatWorkOnOneMachine) {
  const Flags flags = std::get<Flags>(Parse({}));
  EXPECT_EQ(flags.coordinator, "127.0.0.1:7077");
  EXPECT_EQ(flags.slots, std::nullopt);
  EXPECT_EQ(flags.device, "auto");
  EXPECT_EQ(flags.log.format, LogFormat::kText);
  EXPECT_FALSE(flags.state_dir.empty());
}

TEST(FlagsTest, ReadsEveryFlag) {
  const Flags flags =
      std::get<Flags>(Parse({"--coordinator", "node:99", "--slots",     "4",     "--device",           "cuda:1",
                             "--label",       "rack=b2", "--label",     "a=b=c", "--trainer",          "/t",
                             "--name",        "n",       "--state-dir", "/s",    "--max-child-memory", "2G",
                             "--log-format",  "json",    "--log-level", "debug"}));
  EXPECT_EQ(flags.coordinator, "node:99");
  EXPECT_EQ(flags.slots, 4);
  EXPECT_EQ(flags.device, "cuda:1");
  EXPECT_THAT(flags.labels, ElementsAre(Pair("a", "b=c"), Pair("rack", "b2")));
  EXPECT_EQ(flags.trainer, "/t");
  EXPECT_EQ(flags.name, "n");
  EXPECT_EQ(flags.state_dir, "/s");
  EXPECT_EQ(flags.max_child_memory_bytes, int64_t{2} << 30);
  EXPECT_EQ(flags.log.format, LogFormat::kJson);
  EXPECT_EQ(flags.log.level, "debug");
}

TEST(FlagsTest, RefusesBadFlagsInOneLine) {
  const std::vector<std::vector<const char*>> table = {
      {"--slots", "0"},
      {"--slots", "x"},
      {"--coordinator", "nowhere"},
      {"--coordinator", "host:0"},
      {"--label", "novalue"},
      {"--log-format", "xml"},
      {"--log-level", "loud"},
      {"--max-child-memory", "much"},
      {"--no-such-flag"},
      {"positional"},
      {"--device"},
  };
  for (const auto& arguments : table) {
    const auto parsed = Parse(arguments);
    ASSERT_TRUE(std::holds_alternative<FlagsExit>(parsed)) << arguments[0];
    const FlagsExit exit = std::get<FlagsExit>(parsed);
    EXPECT_EQ(exit.code, 2) << arguments[0];
    EXPECT_EQ(std::ranges::count(exit.text, '\n'), 1) << exit.text;
    EXPECT_THAT(exit.text, testing::StartsWith("athanor-worker: "));
  }
}

TEST(FlagsTest, HelpShowsAnExample) {
  const FlagsExit exit = std::get<FlagsExit>(Parse({"--help"}));
  EXPECT_EQ(exit.code, 0);
  EXPECT_THAT(exit.text, HasSubstr("Example"));
  EXPECT_THAT(exit.text, HasSubstr("athanor-worker --coordinator"));
}

}  // namespace
}  // namespace athanor::session
