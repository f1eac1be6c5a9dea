// What athanor-server runs by: flags, and a file that holds the same under the same names. A flag wins over the file,
// the file over the defaults.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/logging.h"
#include "server/checkpoint_quota.h"
#include "server/coordinator/state.h"
#include "server/operations/commands.h"
#include "server/store/artifact_files.h"
#include "server/store/log_files.h"

namespace athanor {

struct ServerConfig {
  std::string listen = "127.0.0.1:7077";
  std::string database = "./athanor.db";
  std::string checkpoint_dir;                       // empty: the database's path with ".checkpoints" behind it
  int64_t log_quota_bytes = int64_t{1} << 30;       // of all trial logs
  int64_t artifact_quota_bytes = int64_t{4} << 30;  // of all artifacts
  CheckpointQuota checkpoint_quota;
  CoordinatorOptions coordinator;  // its checkpoint_quota_bytes is taken from checkpoint_quota, once the disk is known
  LogOptions log;

  std::string CheckpointDirectory() const {
    return checkpoint_dir.empty() ? database + ".checkpoints" : checkpoint_dir;
  }
  std::string LogDirectory() const { return LogDirectoryOf(database); }
  std::string ArtifactDirectory() const { return ArtifactDirectoryOf(database); }
};

// What the command line asks for.
struct CommandLine {
  // kOperate: a subcommand. kExit: --help or --version was answered, or the usage was wrong.
  enum class Action { kServe, kOperate, kExit };
  Action action = Action::kServe;
  int exit_code = 0;
  ServerConfig config;
  Operation operation = {};
};

// Reads flags and, with --config, the file. Prints help, version and, on stderr in one line, what is wrong.
CommandLine ReadCommandLine(int argc, char** argv, const std::string& version);

// The file over `config`. INVALID_ARGUMENT "FILE:LINE: KEY: ..." for a syntax error, an unknown key, a wrong type or a
// duration out of range; `text` is what the file holds.
absl::Status ReadConfigFile(const std::string& text, const std::string& file, ServerConfig& config);

}  // namespace athanor
