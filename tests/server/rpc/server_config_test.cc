#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "server/config.h"

namespace athanor {
namespace {

using ::testing::HasSubstr;

CommandLine Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "athanor-server");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ReadCommandLine(static_cast<int>(argv.size()), argv.data(), "1.2.3");
}

TEST(ServerConfig, DefaultsListenOnLoopback) {
  const CommandLine line = Parse({});
  ASSERT_EQ(line.action, CommandLine::Action::kServe);
  EXPECT_EQ(line.config.listen, "127.0.0.1:7077");
  EXPECT_EQ(line.config.CheckpointDirectory(), "./athanor.db.checkpoints");
  EXPECT_EQ(line.config.coordinator.lease, std::chrono::seconds(30));
}

TEST(ServerConfig, FlagsWinOverTheFileAndTheFileOverDefaults) {
  std::string path = (std::filesystem::temp_directory_path() / "athanor-config-XXXXXX").string();
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  const std::string file = path + "/server.yaml";
  std::ofstream(file) << "listen: 0.0.0.0:1\nlease: 20s\nheartbeat: 5s\nlog_format: json\n";
  const CommandLine line = Parse({"--config", file, "--lease", "40s", "--checkpoint-dir", "/c"});
  std::filesystem::remove_all(path);
  ASSERT_EQ(line.action, CommandLine::Action::kServe);
  EXPECT_EQ(line.config.listen, "0.0.0.0:1");
  EXPECT_EQ(line.config.coordinator.lease, std::chrono::seconds(40));
  EXPECT_EQ(line.config.coordinator.heartbeat, std::chrono::seconds(5));
  EXPECT_EQ(line.config.log.format, LogFormat::kJson);
  EXPECT_EQ(line.config.CheckpointDirectory(), "/c");
}

TEST(ServerConfig, QuotasOfLogsAndArtifactsAreNumbersOfBytesFromFlagOrFile) {
  EXPECT_EQ(Parse({}).config.log_quota_bytes, 1 << 30);
  EXPECT_EQ(Parse({"--log-quota", "64MiB"}).config.log_quota_bytes, 64 << 20);
  EXPECT_EQ(Parse({"--database", "/d/a.db"}).config.LogDirectory(), "/d/a.db.logs");
  EXPECT_EQ(Parse({}).config.artifact_quota_bytes, int64_t{4} << 30);
  EXPECT_EQ(Parse({"--artifact-quota", "64MiB"}).config.artifact_quota_bytes, 64 << 20);
  EXPECT_EQ(Parse({"--database", "/d/a.db"}).config.ArtifactDirectory(), "/d/a.db.artifacts");
  struct Case {
    const char* text;
    int64_t bytes;
  };
  for (const Case& wanted : {Case{"log_quota: 9000000\n", 9'000'000}, Case{"log_quota: 9000KiB\n", 9'216'000},
                             Case{"log_quota: 2TiB\n", 2'199'023'255'552}}) {
    ServerConfig config;
    EXPECT_TRUE(ReadConfigFile(wanted.text, "c.yaml", config).ok()) << wanted.text;
    EXPECT_EQ(config.log_quota_bytes, wanted.bytes);
  }
}

TEST(ServerConfig, CheckpointQuotaIsAShareOfTheDiskOrBytes) {
  struct Case {
    const char* text;
    std::optional<CheckpointQuota> quota;
    int64_t on_a_disk_of_1000;
  };
  using Quota = CheckpointQuota;
  for (const Case& wanted :
       {Case{"80%", Quota{80, 0}, 800}, Case{"100%", Quota{100, 0}, 1000}, Case{"1%", Quota{1, 0}, 10},
        Case{"0", Quota{0, 0}, 0}, Case{"512", Quota{0, 512}, 512}, Case{"2KiB", Quota{0, 2048}, 2048},
        Case{"3TiB", Quota{0, int64_t{3} << 40}, int64_t{3} << 40}, Case{"0%", {}, 0}, Case{"101%", {}, 0},
        Case{"-1%", {}, 0}, Case{"%", {}, 0}, Case{"80 %", {}, 0}, Case{"5GB", {}, 0}, Case{"", {}, 0},
        Case{"9999999TiB", {}, 0}}) {
    const auto quota = ParseCheckpointQuota(wanted.text);
    EXPECT_EQ(quota, wanted.quota) << wanted.text;
    EXPECT_EQ(quota.value_or(Quota{0, 0}).BytesOn(1000), wanted.on_a_disk_of_1000) << wanted.text;
  }
  EXPECT_EQ(ServerConfig().checkpoint_quota, (Quota{80, 0}));
  EXPECT_EQ(Quota().BytesOn(10), 1) << "a disk this small has a quota all the same";
  EXPECT_EQ(Parse({"--checkpoint-quota", "20GiB"}).config.checkpoint_quota, (Quota{0, int64_t{20} << 30}));
  ServerConfig config;
  ASSERT_TRUE(ReadConfigFile("checkpoint_quota: 60%\n", "c.yaml", config).ok());
  EXPECT_EQ(config.checkpoint_quota, (Quota{60, 0}));
  ASSERT_TRUE(ReadConfigFile("checkpoint_quota: 0\n", "c.yaml", config).ok());
  EXPECT_EQ(config.checkpoint_quota, (Quota{0, 0}));
}

TEST(ServerConfig, WrongUsageExitsWithTwo) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--lease", "5x"},
                                                    {"--lease", "1ms"},
                                                    {"--nonsense"},
                                                    {"--log-format", "xml"},
                                                    {"--checkpoint-quota", "most"},
                                                    {"--log-quota", "1GB"},
                                                    {"--log-quota", "7MiB"},
                                                    {"--log-quota", "99999999TiB"},
                                                    {"--config", "/nonexistent/file.yaml"},
                                                    {"stray"}}) {
    const CommandLine line = Parse(arguments);
    EXPECT_EQ(line.action, CommandLine::Action::kExit) << arguments[0];
    EXPECT_EQ(line.exit_code, 2) << arguments[0];
  }
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
}

TEST(ServerConfig, FileErrorsNameFileLineAndKey) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& wanted :
       {Case{"lisen: x:1\n", "c.yaml:1: lisen"}, Case{"lease: 5\n", "c.yaml:1: lease"},
        Case{"listen: x:1\nlease: 10ms\n", "c.yaml:2: lease: 10ms is out of range"},
        Case{"log_format: xml\n", "c.yaml:1: log_format"},
        Case{"log_quota: 1MiB\n", "c.yaml:1: log_quota: 1MiB is too little"},
        Case{"artifact_quota: 1MiB\n", "c.yaml:1: artifact_quota: 1MiB is too little"},
        Case{"checkpoint_quota: 0%\n", "c.yaml:1: checkpoint_quota: \"0%\" is no quota"}, Case{"- a\n", "c.yaml:1"}}) {
    ServerConfig config;
    const absl::Status status = ReadConfigFile(wanted.text, "c.yaml", config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wanted.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(wanted.message));
  }
}

}  // namespace
}  // namespace athanor
