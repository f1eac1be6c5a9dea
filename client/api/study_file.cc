#include "client/api/study_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "client/api/study_file_fields.h"
#include "client/api/study_file_stopping.h"

namespace athanor {
namespace {

using fields::AlreadyRead;
using fields::Duration;
using fields::Field;
using fields::Float;
using fields::Int;
using fields::Peek;
using fields::ReadWord;
using fields::Section;
using fields::String;
using fields::Word;

absl::Status ReadScalars(const YamlNode& node, google::protobuf::RepeatedPtrField<v1::Value>* values) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<YamlNode> items, node.List());
  for (const YamlNode& item : items) {
    ATHANOR_ASSIGN_OR_RETURN(const Value value, item.Scalar());
    ToWire(value, values->Add());
  }
  return absl::OkStatus();
}

Field Labels(google::protobuf::Map<std::string, std::string>* labels) {
  return [labels](const YamlNode& node) -> absl::Status {
    ATHANOR_ASSIGN_OR_RETURN(const auto entries, node.Map());
    for (const auto& [name, child] : entries) {
      ATHANOR_ASSIGN_OR_RETURN((*labels)[name], child.String());
    }
    return absl::OkStatus();
  };
}

absl::Status ReadObjective(const YamlNode& node, v1::StudySpec* spec) {
  v1::Objective* objective = spec->add_objectives();
  return Section(node)
      .Required("metric", String([=](std::string metric) { objective->set_metric(std::move(metric)); }))
      .Required("goal", Word<v1::Goal>({{"maximize", v1::GOAL_MAXIMIZE}, {"minimize", v1::GOAL_MINIMIZE}},
                                       [=](v1::Goal goal) { objective->set_goal(goal); }))
      .Read();
}

Field When(v1::Parameter* parameter) {
  return [parameter](const YamlNode& node) -> absl::Status {
    ATHANOR_ASSIGN_OR_RETURN(const auto entries, node.Map());
    for (const auto& [parent, child] : entries) {
      v1::Condition* condition = parameter->add_when();
      condition->set_parent(parent);
      ATHANOR_RETURN_IF_ERROR(ReadScalars(child, condition->mutable_values()));
    }
    return absl::OkStatus();
  };
}

absl::Status ReadParameter(const YamlNode& node, v1::Parameter* parameter) {
  v1::ParameterType type = v1::PARAMETER_TYPE_UNSPECIFIED;
  if (const std::optional<YamlNode> child = Peek(node, "type")) {
    ATHANOR_ASSIGN_OR_RETURN(type,
                             ReadWord<v1::ParameterType>(*child, {{"float", v1::PARAMETER_TYPE_FLOAT},
                                                                  {"int", v1::PARAMETER_TYPE_INT},
                                                                  {"categorical", v1::PARAMETER_TYPE_CATEGORICAL}}));
  }
  parameter->set_type(type);
  // A bound or a step, as the type wants it.
  const auto number = [&](v1::Value* (v1::Parameter::*field)()) -> Field {
    if (type == v1::PARAMETER_TYPE_INT) return Int([=](int64_t value) { (parameter->*field)()->set_int_value(value); });
    return Float([=](double value) { (parameter->*field)()->set_float_value(value); });
  };

  Section section(node);
  section.Required("type", AlreadyRead());
  if (type != v1::PARAMETER_TYPE_CATEGORICAL) {
    section.Required("min", number(&v1::Parameter::mutable_min))
        .Required("max", number(&v1::Parameter::mutable_max))
        .Optional("scale", Word<v1::Scale>({{"linear", v1::SCALE_LINEAR}, {"log", v1::SCALE_LOG}},
                                           [=](v1::Scale scale) { parameter->set_scale(scale); }))
        .Optional("step", number(&v1::Parameter::mutable_step));
  }
  if (type == v1::PARAMETER_TYPE_FLOAT || type == v1::PARAMETER_TYPE_UNSPECIFIED) {
    section.Optional("points", Int([=](int64_t points) { parameter->set_points(points); }));
  }
  if (type == v1::PARAMETER_TYPE_CATEGORICAL || type == v1::PARAMETER_TYPE_UNSPECIFIED) {
    section.Required("values", [=](const YamlNode& list) { return ReadScalars(list, parameter->mutable_values()); });
  }
  return section.Optional("when", When(parameter)).Read();
}

absl::Status ReadParameters(const YamlNode& node, v1::StudySpec* spec) {
  ATHANOR_ASSIGN_OR_RETURN(const auto entries, node.Map());
  for (const auto& [name, child] : entries) {
    v1::Parameter* parameter = spec->add_parameters();
    parameter->set_name(name);
    ATHANOR_RETURN_IF_ERROR(ReadParameter(child, parameter));
  }
  return absl::OkStatus();
}

absl::Status ReadSearch(const YamlNode& node, v1::Search* search) {
  return Section(node)
      .Optional("method", String([=](std::string method) { search->set_method(std::move(method)); }))
      .Optional("seed",
                [=](const YamlNode& value) -> absl::Status {
                  ATHANOR_ASSIGN_OR_RETURN(const int64_t seed, value.Int());
                  if (seed < 0) return value.Error(fmt::format("found {}; want an int >= 0", value.Describe()));
                  search->set_seed(static_cast<uint64_t>(seed));
                  return absl::OkStatus();
                })
      .Optional("startup_trials", Int([=](int64_t value) { search->set_startup_trials(value); }))
      .Optional("random_share", Float([=](double value) { search->set_random_share(value); }))
      .Read();
}

absl::Status ReadBudget(const YamlNode& node, v1::Budget* budget) {
  return Section(node)
      .Optional("trials", Int([=](int64_t value) { budget->set_trials(value); }))
      .Optional("parallel", Int([=](int64_t value) { budget->set_parallel(value); }))
      .Optional("wall_clock", Duration([=](int64_t value) { budget->set_wall_clock_ms(value); }))
      .Optional("max_failures", Int([=](int64_t value) { budget->set_max_failures(value); }))
      .Optional("target", Float([=](double value) { budget->set_target(value); }))
      .Read();
}

absl::Status ReadRetry(const YamlNode& node, v1::Retry* retry) {
  return Section(node)
      .Optional("max_attempts", Int([=](int64_t value) { retry->set_max_attempts(value); }))
      .Optional("stall_timeout", Duration([=](int64_t value) { retry->set_stall_timeout_ms(value); }))
      .Read();
}

absl::Status ReadRequirements(const YamlNode& node, v1::Requirements* requirements) {
  return Section(node)
      .Optional("device", String([=](std::string device) { requirements->set_device(std::move(device)); }))
      .Optional("devices", Int([=](int64_t value) { requirements->set_devices(value); }))
      .Optional("labels", Labels(requirements->mutable_labels()))
      .Read();
}

absl::Status ReadCheckpoint(const YamlNode& node, v1::CheckpointPolicy* checkpoint) {
  return Section(node)
      .Optional("interval", Duration([=](int64_t value) { checkpoint->set_interval_ms(value); }))
      .Optional("keep_best", Int([=](int64_t value) { checkpoint->set_keep_best(value); }))
      .Read();
}

absl::Status ReadTrainer(const YamlNode& node, v1::StudySpec* spec) {
  ATHANOR_ASSIGN_OR_RETURN(const auto entries, node.Map());
  for (const auto& [name, child] : entries) {
    ATHANOR_ASSIGN_OR_RETURN(const Value value, child.Scalar());
    v1::NamedValue* option = spec->add_trainer();
    option->set_name(name);
    ToWire(value, option->mutable_value());
  }
  return absl::OkStatus();
}

absl::Status ReadWarmStart(const YamlNode& node, v1::StudySpec* spec) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<YamlNode> studies, node.List());
  for (const YamlNode& study : studies) {
    ATHANOR_ASSIGN_OR_RETURN(*spec->add_warm_start(), study.String());
  }
  return absl::OkStatus();
}

absl::Status ReadStudy(const YamlNode& root, v1::StudySpec* spec) {
  return Section(root)
      .Required("name", String([=](std::string name) { spec->set_name(std::move(name)); }))
      .Optional("description", String([=](std::string text) { spec->set_description(std::move(text)); }))
      .Optional("labels", Labels(spec->mutable_labels()))
      .Optional("priority", Int([=](int64_t priority) { spec->set_priority(priority); }))
      .Required("objective", [=](const YamlNode& node) { return ReadObjective(node, spec); })
      .Optional("resource", Word<v1::Resource>({{"epoch", v1::RESOURCE_EPOCH}, {"step", v1::RESOURCE_STEP}},
                                               [=](v1::Resource resource) { spec->set_resource(resource); }))
      .Required("parameters", [=](const YamlNode& node) { return ReadParameters(node, spec); })
      .Optional("search", [=](const YamlNode& node) { return ReadSearch(node, spec->mutable_search()); })
      .Optional("early_stopping",
                [=](const YamlNode& node) { return ReadEarlyStopping(node, spec->mutable_early_stopping()); })
      .Optional("budget", [=](const YamlNode& node) { return ReadBudget(node, spec->mutable_budget()); })
      .Optional("retry", [=](const YamlNode& node) { return ReadRetry(node, spec->mutable_retry()); })
      .Optional("requires", [=](const YamlNode& node) { return ReadRequirements(node, spec->mutable_requirements()); })
      .Optional("checkpoint", [=](const YamlNode& node) { return ReadCheckpoint(node, spec->mutable_checkpoint()); })
      .Optional("trainer", [=](const YamlNode& node) { return ReadTrainer(node, spec); })
      .Optional("warm_start", [=](const YamlNode& node) { return ReadWarmStart(node, spec); })
      .Read();
}

}  // namespace

void ToWire(const Value& value, v1::Value* wire) {
  struct Visitor {
    v1::Value* wire;
    void operator()(bool value) const { wire->set_bool_value(value); }
    void operator()(int64_t value) const { wire->set_int_value(value); }
    void operator()(double value) const { wire->set_float_value(value); }
    void operator()(const std::string& value) const { wire->set_string_value(value); }
  };
  std::visit(Visitor{wire}, value);
}

absl::StatusOr<StudyFile> ParseStudyFile(std::string_view text, std::string file) {
  ATHANOR_ASSIGN_OR_RETURN(YamlDocument document, YamlDocument::Parse(text, std::move(file)));
  StudyFile study_file{{}, std::move(document)};
  ATHANOR_RETURN_IF_ERROR(ReadStudy(study_file.document.root(), &study_file.spec));
  return study_file;
}

absl::StatusOr<StudyFile> ReadStudyFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return absl::InvalidArgumentError(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  }
  // One byte more than the reader takes, so that it can refuse what is too long; /dev/zero has no end.
  std::string text(YamlDocument::kMaxBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad())
    return absl::InvalidArgumentError(fmt::format("{}: cannot be read; want a file of YAML or JSON", path));
  text.resize(static_cast<size_t>(stream.gcount()));
  return ParseStudyFile(text, path);
}

absl::Status Locate(const StudyFile& study_file, const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return status;
  const std::string message(status.message());
  const size_t colon = message.find(": ");
  if (colon == std::string::npos) return status;
  const std::string path = message.substr(0, colon);
  // A word before a colon is a key path only if it starts with a key of the file or one that the file could have.
  static constexpr std::string_view kKeys[] = {"name",     "description", "labels",  "priority",       "objective",
                                               "resource", "parameters",  "search",  "early_stopping", "budget",
                                               "retry",    "requires",    "trainer", "checkpoint",     "warm_start"};
  const std::string_view first = std::string_view(path).substr(0, path.find_first_of(".["));
  if (std::find(std::begin(kKeys), std::end(kKeys), first) == std::end(kKeys)) return status;
  return study_file.document.Error(path, message.substr(colon + 2));
}

}  // namespace athanor
