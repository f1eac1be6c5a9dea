#include "worker/trainer/messages.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace athanor {
namespace {

using nlohmann::json;
using training::Command;
using training::Ending;
using training::Goal;
using training::Resource;
using training::TrialSpec;

// What is wrong with a `start`; caught in ParseMessage.
class BadField : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

const json& Field(const json& message, const char* key) {
  const auto found = message.find(key);
  if (found == message.end()) throw BadField(std::string("start: ") + key + " is missing");
  return *found;
}

[[noreturn]] void Refuse(const char* key, const json& value, const char* want) {
  throw BadField(std::string("start: ") + key + " is " + value.dump(-1, ' ', false, json::error_handler_t::replace) +
                 "; want " + want);
}

std::string Text(const json& message, const char* key) {
  const json& value = Field(message, key);
  if (!value.is_string()) Refuse(key, value, "a string");
  return value.get<std::string>();
}

int64_t Count(const json& value, const char* key, int64_t min) {
  const bool too_large = value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int64_t>::max();
  if (!value.is_number_integer() || too_large || value.get<int64_t>() < min) {
    Refuse(key, value, min == 0 ? "an int of at least 0" : "an int of at least 1");
  }
  return value.get<int64_t>();
}

uint64_t Seed(const json& message) {
  const std::string text = Text(message, "seed");
  uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size()) Refuse("seed", text, "a decimal string of 64 bits");
  return seed;
}

template <typename Enum>
Enum Choice(const json& message, const char* key, std::string_view first, Enum first_value, std::string_view second,
            Enum second_value, const char* want) {
  const std::string text = Text(message, key);
  if (text == first) return first_value;
  if (text == second) return second_value;
  Refuse(key, text, want);
}

NamedValues Options(const json& message) {
  const json& options = Field(message, "options");
  if (!options.is_object()) Refuse("options", options, "an object");
  NamedValues values;
  for (const auto& [name, value] : options.items()) {
    if (value.is_boolean()) {
      values[name] = value.get<bool>();
    } else if (value.is_number_integer()) {
      values[name] = Count(value, "options", std::numeric_limits<int64_t>::min());
    } else if (value.is_number_float()) {
      values[name] = value.get<double>();
    } else if (value.is_string()) {
      values[name] = value.get<std::string>();
    } else {
      Refuse(("options." + name).c_str(), value, "a bool, number or string");
    }
  }
  return values;
}

std::vector<int64_t> HoldAt(const json& message) {
  std::vector<int64_t> steps;
  const json& value = Field(message, "hold_at");
  if (!value.is_array()) Refuse("hold_at", value, "a list");
  for (const json& step : value) steps.push_back(Count(step, "hold_at", 1));
  if (!std::ranges::is_sorted(steps)) Refuse("hold_at", value, "ascending steps");
  return steps;
}

std::vector<std::filesystem::path> Checkpoints(const json& message) {
  std::vector<std::filesystem::path> paths;
  const json& value = Field(message, "checkpoints");
  if (!value.is_array()) Refuse("checkpoints", value, "a list");
  for (const json& checkpoint : value) {
    if (!checkpoint.is_object()) Refuse("checkpoints", checkpoint, "objects of path and step");
    paths.emplace_back(Text(checkpoint, "path"));
  }
  return paths;
}

TrialSpec ParseSpec(const json& message) {
  TrialSpec spec;
  spec.options = Options(message);
  spec.seed = Seed(message);
  spec.device = Text(message, "device");
  spec.resource = Choice(message, "resource", "epoch", Resource::kEpoch, "step", Resource::kStep, "epoch or step");
  spec.until = Count(Field(message, "until"), "until", 1);
  spec.hold_at = HoldAt(message);
  spec.objective = Text(message, "objective");
  spec.goal = Choice(message, "goal", "maximize", Goal::kMaximize, "minimize", Goal::kMinimize, "maximize or minimize");
  spec.checkpoint_dir = Text(message, "checkpoint_dir");
  spec.checkpoint_interval =
      std::chrono::milliseconds(Count(Field(message, "checkpoint_interval_ms"), "checkpoint_interval_ms", 0));
  spec.checkpoints = Checkpoints(message);
  const auto final_checkpoint = message.find("final_checkpoint");  // newer than the other keys
  if (final_checkpoint != message.end()) {
    if (!final_checkpoint->is_boolean()) Refuse("final_checkpoint", *final_checkpoint, "true or false");
    spec.final_checkpoint = final_checkpoint->get<bool>();
  }
  return spec;
}

std::optional<Command> CommandOf(const std::string& type) {
  if (type == "continue") return Command::kContinue;
  if (type == "pause") return Command::kPause;
  if (type == "stop") return Command::kStop;
  if (type == "checkpoint") return Command::kCheckpoint;
  return std::nullopt;
}

json Number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

json MetricsObject(const training::Metrics& metrics) {
  json object = json::object();
  for (const auto& [name, value] : metrics) object[name] = Number(value);
  return object;
}

// Paths and error texts may hold any bytes.
std::string Line(const json& message) { return message.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

IncomingMessage ParseMessage(std::string_view line) {
  const json message = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!message.is_object()) throw ProtocolError("not a JSON object: " + std::string(line.substr(0, 200)));
  const auto type_field = message.find("type");
  if (type_field == message.end() || !type_field->is_string()) throw ProtocolError("a message without a type");
  const std::string type = type_field->get<std::string>();
  if (type == "exit") return ExitMessage{};

  const std::optional<Command> command = CommandOf(type);
  if (!command.has_value() && type != "start") throw ProtocolError("a message of unknown type " + type);
  const auto trial_field = message.find("trial");
  if (trial_field == message.end() || !trial_field->is_string()) throw ProtocolError(type + " without a trial");
  const std::string trial = trial_field->get<std::string>();
  if (command.has_value()) return CommandMessage{trial, *command};
  try {
    return StartMessage{trial, ParseSpec(message)};
  } catch (const BadField& error) {
    return UnusableStart{trial, error.what()};
  }
}

std::string ToLine(const HelloMessage& hello) {
  return Line({{"type", "hello"},
               {"protocol", kTrainerProtocolVersion},
               {"trainer", "athanor-trainer"},
               {"version", hello.version},
               {"libtorch", hello.libtorch},
               {"devices", hello.devices},
               {"option_table_hash", hello.option_table_hash},
               {"blas", hello.blas}});
}

std::string ToLine(const std::string& trial, const training::StartReport& report) {
  return Line({{"type", "started"},
               {"trial", trial},
               {"resumed_step", report.resumed_step},
               {"threads", report.threads},
               {"dataset_hash", report.dataset_hash},
               {"device", report.device}});
}

std::string ToLine(const std::string& trial, int64_t step, const training::Metrics& metrics, int64_t elapsed_ms) {
  return Line({{"type", "metrics"},
               {"trial", trial},
               {"step", step},
               {"metrics", MetricsObject(metrics)},
               {"elapsed_ms", elapsed_ms}});
}

std::string ToLine(const std::string& trial, const training::ProgressReport& report) {
  return Line({{"type", "progress"},
               {"trial", trial},
               {"fraction", report.fraction},
               {"optimizer_step", report.optimizer_step},
               {"train_loss", Number(report.train_loss.value_or(std::numeric_limits<double>::quiet_NaN()))},
               {"examples_per_second", report.examples_per_second}});
}

std::string ToLine(const std::string& trial, const training::CheckpointReport& report) {
  return Line({{"type", "checkpoint_saved"},
               {"trial", trial},
               {"step", report.step},
               {"path", report.path.string()},
               {"sha256", report.sha256},
               {"size", report.size},
               {"best", report.best}});
}

std::string ToLine(const std::string& trial, const training::ArtifactReport& report) {
  return Line({{"type", "artifact"},
               {"trial", trial},
               {"step", report.step},
               {"name", report.name},
               {"path", report.path.string()},
               {"size", report.size}});
}

std::string ToLine(const std::string& trial, const training::TrialResult& result) {
  switch (result.ending) {
    case Ending::kDone:
      return Line(
          {{"type", "done"}, {"trial", trial}, {"step", result.step}, {"metrics", MetricsObject(result.metrics)}});
    case Ending::kPaused:
      return Line({{"type", "paused"}, {"trial", trial}, {"step", result.step}});
    case Ending::kStopped:
      return Line({{"type", "stopped"}, {"trial", trial}});
    case Ending::kInfeasible:
      return Line({{"type", "infeasible"}, {"trial", trial}, {"reason", result.reason}});
    case Ending::kFailed:
      break;
  }
  return Line({{"type", "failed"}, {"trial", trial}, {"reason", result.reason}});
}

}  // namespace athanor
