#include "worker/session/trainer_protocol.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace athanor::session {
namespace {

using nlohmann::json;

json NumberToJson(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

json ValueToJson(const Value& value) {
  if (const double* number = std::get_if<double>(&value)) return NumberToJson(*number);
  return std::visit([](const auto& plain) { return json(plain); }, value);
}

std::string ToLine(const json& object) {
  // Replace: an option that is not UTF-8 must not throw; the trainer refuses it.
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// Reads one object key by key and keeps the first error, so that each message's reader is a plain list of its keys.
class Reader {
 public:
  explicit Reader(const json& object) : object_(object) {}

  std::string String(const char* key) {
    const json* found = Find(key);
    if (found == nullptr) return {};
    if (!found->is_string()) return Fail<std::string>(key, "a string");
    return found->get<std::string>();
  }

  int64_t Int(const char* key, int64_t min) {
    const json* found = Find(key);
    if (found == nullptr) return 0;
    const bool fits = found->is_number_unsigned()
                          ? found->get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                          : found->is_number_integer();
    if (!fits || found->get<int64_t>() < min) return Fail<int64_t>(key, absl::StrCat("an integer >= ", min));
    return found->get<int64_t>();
  }

  double Number(const char* key) {
    const json* found = Find(key);
    return found == nullptr ? 0 : ToNumber(key, *found);
  }

  bool Bool(const char* key) {
    const json* found = Find(key);
    if (found == nullptr) return false;
    if (!found->is_boolean()) return Fail<bool>(key, "true or false");
    return found->get<bool>();
  }

  Metrics Numbers(const char* key) {
    const json* found = Find(key);
    if (found == nullptr) return {};
    if (!found->is_object()) return Fail<Metrics>(key, "an object of numbers");
    Metrics metrics;
    for (const auto& [name, value] : found->items()) metrics[name] = ToNumber(name.c_str(), value);
    return metrics;
  }

  std::vector<std::string> Strings(const char* key) {
    const json* found = Find(key);
    if (found == nullptr) return {};
    if (!found->is_array()) return Fail<std::vector<std::string>>(key, "a list of strings");
    std::vector<std::string> strings;
    for (const json& value : *found) {
      if (!value.is_string()) return Fail<std::vector<std::string>>(key, "a list of strings");
      strings.push_back(value.get<std::string>());
    }
    return strings;
  }

  std::string Sha256(const char* key) {
    std::string digest = String(key);
    const auto is_hex = [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); };
    if (error_.empty() && (digest.size() != 64 || !std::ranges::all_of(digest, is_hex))) {
      return Fail<std::string>(key, "64 lower-case hex digits");
    }
    return digest;
  }

  const std::string& error() const { return error_; }

 private:
  const json* Find(const char* key) {
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    if (error_.empty()) error_ = absl::StrCat("key \"", key, "\" is missing");
    return nullptr;
  }

  double ToNumber(const char* key, const json& value) {
    if (value.is_number()) return value.get<double>();
    if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (value == "inf") return std::numeric_limits<double>::infinity();
    if (value == "-inf") return -std::numeric_limits<double>::infinity();
    return Fail<double>(key, "a number, \"nan\", \"inf\" or \"-inf\"");
  }

  template <typename T>
  T Fail(const std::string& key, const std::string& wanted) {
    if (error_.empty()) error_ = absl::StrCat("key \"", key, "\" must be ", wanted);
    return T{};
  }

  const json& object_;
  std::string error_;
};

// False if the type is unknown.
bool ReadBody(const std::string& type, Reader& read, TrainerMessage& message) {
  auto& body = message.body;
  if (type == "hello") {
    body = HelloMessage{.protocol = read.Int("protocol", 1),
                        .trainer = read.String("trainer"),
                        .version = read.String("version"),
                        .libtorch = read.String("libtorch"),
                        .devices = read.Strings("devices"),
                        .option_table_hash = read.String("option_table_hash"),
                        .blas = read.String("blas")};
    return true;
  }
  message.trial = read.String("trial");
  if (type == "started") {
    body = StartedMessage{.resumed_step = read.Int("resumed_step", 0),
                          .threads = read.Int("threads", 0),
                          .dataset_hash = read.String("dataset_hash"),
                          .device = read.String("device")};
  } else if (type == "metrics") {
    body = MetricsMessage{
        .step = read.Int("step", 1), .metrics = read.Numbers("metrics"), .elapsed_ms = read.Int("elapsed_ms", 0)};
  } else if (type == "progress") {
    body = ProgressMessage{.fraction = read.Number("fraction"),
                           .optimizer_step = read.Int("optimizer_step", 0),
                           .train_loss = read.Number("train_loss"),
                           .examples_per_second = read.Number("examples_per_second")};
  } else if (type == "checkpoint_saved") {
    body = CheckpointSavedMessage{.step = read.Int("step", 0),
                                  .path = read.String("path"),
                                  .sha256 = read.Sha256("sha256"),
                                  .size = read.Int("size", 0),
                                  .best = read.Bool("best")};
  } else if (type == "artifact") {
    body = ArtifactMessage{.step = read.Int("step", 0),
                           .name = read.String("name"),
                           .path = read.String("path"),
                           .size = read.Int("size", 0)};
  } else if (type == "paused") {
    body = PausedMessage{.step = read.Int("step", 0)};
  } else if (type == "stopped") {
    body = StoppedMessage{};
  } else if (type == "done") {
    body = DoneMessage{.step = read.Int("step", 0), .metrics = read.Numbers("metrics")};
  } else if (type == "failed") {
    body = FailedMessage{.reason = read.String("reason")};
  } else if (type == "infeasible") {
    body = InfeasibleMessage{.reason = read.String("reason")};
  } else {
    return false;
  }
  return true;
}

absl::Status Malformed(const std::string& what, std::string_view line) {
  constexpr size_t kQuoted = 120;
  return absl::InvalidArgumentError(
      absl::StrCat(what, " in \"", std::string(line.substr(0, kQuoted)), line.size() > kQuoted ? "…\"" : "\""));
}

const char* CommandName(TrialCommand command) {
  switch (command) {
    case TrialCommand::kContinue:
      return "continue";
    case TrialCommand::kPause:
      return "pause";
    case TrialCommand::kStop:
      return "stop";
  }
  return "";
}

}  // namespace

std::string FormatStart(const StartCommand& command) {
  json options = json::object();
  for (const auto& [name, value] : command.options) options[name] = ValueToJson(value);
  json checkpoints = json::array();
  for (const CheckpointFile& file : command.checkpoints) {
    checkpoints.push_back({{"path", file.path}, {"step", file.step}});
  }
  return ToLine({{"type", "start"},
                 {"trial", command.trial},
                 {"options", std::move(options)},
                 {"seed", std::to_string(command.seed)},
                 {"device", command.device},
                 {"resource", command.resource == ResourceUnit::kEpoch ? "epoch" : "step"},
                 {"until", command.until},
                 {"hold_at", command.hold_at},
                 {"objective", command.objective},
                 {"goal", command.goal == MetricGoal::kMaximize ? "maximize" : "minimize"},
                 {"checkpoint_dir", command.checkpoint_dir},
                 {"checkpoint_interval_ms", command.checkpoint_interval_ms},
                 {"checkpoints", std::move(checkpoints)},
                 {"elapsed_ms", command.elapsed_ms},
                 {"final_checkpoint", command.final_checkpoint}});
}

std::string FormatCommand(TrialCommand command, std::string_view trial) {
  return ToLine({{"type", CommandName(command)}, {"trial", trial}});
}

std::string FormatExit() { return ToLine({{"type", "exit"}}); }

bool IsArtifactName(std::string_view name) {
  constexpr size_t kMaxBytes = 100;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxBytes && name.front() != '.' && std::ranges::all_of(name, allowed);
}

bool TrainerMessage::EndsTrial() const {
  return std::holds_alternative<PausedMessage>(body) || std::holds_alternative<StoppedMessage>(body) ||
         std::holds_alternative<DoneMessage>(body) || std::holds_alternative<FailedMessage>(body) ||
         std::holds_alternative<InfeasibleMessage>(body);
}

absl::StatusOr<TrainerMessage> ParseTrainerMessage(std::string_view line) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return Malformed("not a JSON object", line);
  Reader read(object);
  const std::string type = read.String("type");
  TrainerMessage message;
  if (read.error().empty() && !ReadBody(type, read, message)) {
    return Malformed(absl::StrCat("unknown type \"", type.substr(0, 40), "\""), line);
  }
  if (!read.error().empty()) return Malformed(read.error(), line);
  return message;
}

absl::Status LineSplitter::Append(std::string_view bytes, std::vector<std::string>* lines) {
  while (true) {
    const size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (rest_.size() + piece.size() > max_line_bytes_) {
      return absl::InvalidArgumentError(absl::StrCat("a line is longer than ", max_line_bytes_, " bytes"));
    }
    rest_.append(piece);
    if (end == std::string_view::npos) return absl::OkStatus();
    lines->push_back(std::exchange(rest_, {}));
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace athanor::session
