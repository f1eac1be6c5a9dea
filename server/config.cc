#include "server/config.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/yaml_reader.h"
#include "base/yaml_scalar.h"
#include "server/operation_flags.h"

namespace athanor {
namespace {

constexpr int kUsageError = 2;

// A duration of the configuration: where it goes, and what it may be.
struct DurationOption {
  const char* flag;
  const char* key;
  Duration CoordinatorOptions::*field;
  int64_t min_ms;
  int64_t max_ms;
  const char* help;
};
constexpr DurationOption kDurations[] = {
    {"--lease", "lease", &CoordinatorOptions::lease, 1000, 86'400'000,
     "life of a lease after its last renewal (default 30s)"},
    {"--heartbeat", "heartbeat", &CoordinatorOptions::heartbeat, 100, 86'400'000,
     "how often workers renew their leases; below a third of --lease is wise (default 10s)"},
    {"--long-poll", "long_poll", &CoordinatorOptions::long_poll, 100, 600'000,
     "longest wait of a worker for work (default 30s)"},
    {"--preempt-grace", "preempt_grace", &CoordinatorOptions::preempt_grace, 0, 86'400'000,
     "time that running trials have to checkpoint when their study is paused (default 60s)"},
};

// Why it is refused, or nothing.
std::optional<std::string> WhyOutOfRange(const DurationOption& option, int64_t ms) {
  if (ms >= option.min_ms && ms <= option.max_ms) return std::nullopt;
  return absl::StrCat(ms, "ms is out of range; want ", option.min_ms, "ms to ", option.max_ms, "ms");
}

absl::StatusOr<LogFormat> FormatOf(const std::string& text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no log format; want text or json"));
}

absl::Status ReadText(YamlMapReader& map, const char* key, std::string& into) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr) return absl::OkStatus();
  ATHANOR_ASSIGN_OR_RETURN(into, node->String());
  return absl::OkStatus();
}

// What all files of a kind may take together.
struct ByteQuotaOption {
  const char* key;
  const char* flag;
  int64_t ServerConfig::*field;
  const char* help;
};
constexpr ByteQuotaOption kByteQuotas[] = {
    {"log_quota", "--log-quota", &ServerConfig::log_quota_bytes,
     "bytes that all trial logs may take, kept in DATABASE.logs; those of ended trials go first (default 1GiB)"},
    {"artifact_quota", "--artifact-quota", &ServerConfig::artifact_quota_bytes,
     "bytes that the artifacts of all trials may take, kept in DATABASE.artifacts; those of ended trials go first "
     "(default 4GiB)"},
};
// The least of it: a few trials' worth of logs.
constexpr int64_t kSmallestByteQuota = int64_t{8} << 20;

absl::StatusOr<int64_t> ByteQuotaOf(const std::string& text) {
  const std::optional<int64_t> bytes = ParseByteCount(text);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no number of bytes; want 512MiB, 1GiB"));
  }
  if (*bytes < kSmallestByteQuota) {
    return absl::InvalidArgumentError(absl::StrCat(text, " is too little; want at least 8MiB"));
  }
  return *bytes;
}

absl::Status ReadByteQuotas(YamlMapReader& map, ServerConfig& config) {
  for (const ByteQuotaOption& option : kByteQuotas) {
    const YamlNode* node = map.Find(option.key);
    if (node == nullptr) continue;
    ATHANOR_ASSIGN_OR_RETURN(const Value value, node->Scalar());
    const auto quota = ByteQuotaOf(ToString(value));
    if (!quota.ok()) return node->Error(std::string(quota.status().message()));
    config.*option.field = *quota;
  }
  return absl::OkStatus();
}

absl::StatusOr<CheckpointQuota> CheckpointQuotaOf(const std::string& text) {
  const std::optional<CheckpointQuota> quota = ParseCheckpointQuota(text);
  if (quota.has_value()) return *quota;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is no quota; want a share of the disk from 1% to 100%, 500MiB, 20GiB, 1TiB, or 0"));
}

absl::Status ReadCheckpointQuota(YamlMapReader& map, CheckpointQuota& into) {
  const YamlNode* node = map.Find("checkpoint_quota");
  if (node == nullptr) return absl::OkStatus();
  ATHANOR_ASSIGN_OR_RETURN(const Value value, node->Scalar());
  const auto quota = CheckpointQuotaOf(ToString(value));
  if (!quota.ok()) return node->Error(std::string(quota.status().message()));
  into = *quota;
  return absl::OkStatus();
}

// CLI11 reports through exceptions, which stop in ReadCommandLine.
void Refuse(const char* flag, const std::string& why) { throw CLI::ValidationError(flag, why); }

// The flags write into `changes`, applied after the file was read.
using Changes = std::vector<std::function<void(ServerConfig&)>>;

void AddText(CLI::App& app, const char* flag, std::string ServerConfig::*field, const char* help, Changes& changes) {
  app.add_option_function<std::string>(
      flag,
      [field, &changes](const std::string& text) { changes.push_back([=](auto& config) { config.*field = text; }); },
      help);
}

void AddDurations(CLI::App& app, Changes& changes) {
  for (const DurationOption& option : kDurations) {
    app.add_option_function<std::string>(
        option.flag,
        [&option, &changes](const std::string& text) {
          const auto ms = ParseDurationMs(text);
          if (!ms.has_value()) Refuse(option.flag, absl::StrCat("\"", text, "\" is no duration; want 250ms, 10s, 5m"));
          if (const auto why = WhyOutOfRange(option, *ms)) Refuse(option.flag, *why);
          changes.push_back(
              [&option, ms](auto& config) { config.coordinator.*option.field = std::chrono::milliseconds(*ms); });
        },
        option.help);
  }
}

void AddLogging(CLI::App& app, Changes& changes) {
  app.add_option_function<std::string>(
      "--log-format",
      [&changes](const std::string& text) {
        const auto format = FormatOf(text);
        if (!format.ok()) Refuse("--log-format", std::string(format.status().message()));
        changes.push_back([format = *format](auto& config) { config.log.format = format; });
      },
      "text or json (default text)");
  app.add_option_function<std::string>(
      "--log-level",
      [&changes](const std::string& text) { changes.push_back([=](auto& config) { config.log.level = text; }); },
      "trace, debug, info, warn, error or off (default info)");
}

void AddByteQuotas(CLI::App& app, Changes& changes) {
  for (const ByteQuotaOption& option : kByteQuotas) {
    app.add_option_function<std::string>(
        option.flag,
        [&option, &changes](const std::string& text) {
          const auto quota = ByteQuotaOf(text);
          if (!quota.ok()) Refuse(option.flag, std::string(quota.status().message()));
          changes.push_back([&option, bytes = *quota](auto& config) { config.*option.field = bytes; });
        },
        option.help);
  }
}

void AddCheckpointQuota(CLI::App& app, Changes& changes) {
  app.add_option_function<std::string>(
      "--checkpoint-quota",
      [&changes](const std::string& text) {
        const auto quota = CheckpointQuotaOf(text);
        if (!quota.ok()) Refuse("--checkpoint-quota", std::string(quota.status().message()));
        changes.push_back([quota = *quota](auto& config) { config.checkpoint_quota = quota; });
      },
      "what checkpoints may take: a share of their disk or bytes such as 20GiB; 0 is no limit (default 80%)");
}

absl::Status LoadFile(const std::string& path, ServerConfig& config) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot open ", path));
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return ReadConfigFile(text, path, config);
}

CommandLine Exit(int code) { return {CommandLine::Action::kExit, code, {}, {}}; }

CommandLine UsageError(const std::string& message) {
  std::fprintf(stderr, "athanor-server: %s\n", message.c_str());
  return Exit(kUsageError);
}

}  // namespace

absl::Status ReadConfigFile(const std::string& text, const std::string& file, ServerConfig& config) {
  ATHANOR_ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse(text, file));
  ATHANOR_ASSIGN_OR_RETURN(YamlMapReader map, YamlMapReader::Open(document.root()));
  ATHANOR_RETURN_IF_ERROR(ReadText(map, "listen", config.listen));
  ATHANOR_RETURN_IF_ERROR(ReadText(map, "database", config.database));
  ATHANOR_RETURN_IF_ERROR(ReadText(map, "checkpoint_dir", config.checkpoint_dir));
  ATHANOR_RETURN_IF_ERROR(ReadText(map, "log_level", config.log.level));
  ATHANOR_RETURN_IF_ERROR(ReadByteQuotas(map, config));
  ATHANOR_RETURN_IF_ERROR(ReadCheckpointQuota(map, config.checkpoint_quota));
  for (const DurationOption& option : kDurations) {
    const YamlNode* node = map.Find(option.key);
    if (node == nullptr) continue;
    ATHANOR_ASSIGN_OR_RETURN(const int64_t ms, node->DurationMs());
    if (const auto why = WhyOutOfRange(option, ms)) return node->Error(*why);
    config.coordinator.*option.field = std::chrono::milliseconds(ms);
  }
  if (const YamlNode* node = map.Find("log_format")) {
    ATHANOR_ASSIGN_OR_RETURN(const std::string name, node->String());
    const auto format = FormatOf(name);
    if (!format.ok()) return node->Error(std::string(format.status().message()));
    config.log.format = *format;
  }
  return map.Finish();
}

CommandLine ReadCommandLine(int argc, char** argv, const std::string& version) {
  CLI::App app("The coordinator: decides what to try next and keeps every result.", "athanor-server");
  app.footer("Example: athanor-server --listen 0.0.0.0:7077 --database /var/lib/athanor/athanor.db");
  app.set_version_flag("--version", "athanor-server " + version);
  Changes changes;
  std::string file;
  app.add_option("--config", file, "a YAML file with the same settings: listen, database, checkpoint_dir, lease, ...");
  AddText(app, "--listen", &ServerConfig::listen, "HOST:PORT; port 0 takes a free one (default 127.0.0.1:7077)",
          changes);
  AddText(app, "--database", &ServerConfig::database, "SQLite file, created if missing (default ./athanor.db)",
          changes);
  AddText(app, "--checkpoint-dir", &ServerConfig::checkpoint_dir,
          "directory of checkpoints, created if missing (default DATABASE.checkpoints)", changes);
  AddCheckpointQuota(app, changes);
  AddDurations(app, changes);
  AddByteQuotas(app, changes);
  AddLogging(app, changes);
  std::optional<Operation> operation;
  AddOperations(app, operation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return Exit(app.exit(success));  // --help, --version
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what());
  }
  CommandLine line;
  if (operation.has_value()) {
    if (!changes.empty() || !file.empty()) return UsageError("the flags of a subcommand go behind its name");
    line.action = CommandLine::Action::kOperate;
    line.operation = *std::move(operation);
    return line;
  }
  if (!file.empty()) {
    const absl::Status loaded = LoadFile(file, line.config);
    if (!loaded.ok()) return UsageError(std::string(loaded.message()));
  }
  for (const auto& change : changes) change(line.config);
  return line;
}

}  // namespace athanor
