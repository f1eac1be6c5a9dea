#include "server/simulate/space_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/yaml_reader.h"

namespace athanor {
namespace {

// A word that stands for a value.
template <typename T>
absl::StatusOr<T> Word(const YamlNode& node, const std::vector<std::pair<std::string, T>>& words) {
  ATHANOR_ASSIGN_OR_RETURN(const std::string text, node.String());
  std::string wanted;
  for (const auto& [word, value] : words) {
    if (text == word) return value;
    absl::StrAppend(&wanted, wanted.empty() ? "" : ", ", word);
  }
  return node.Error(absl::StrCat("found \"", text, "\"; want one of ", wanted));
}

absl::StatusOr<std::vector<Value>> Scalars(const YamlNode& node) {
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<YamlNode> items, node.List());
  std::vector<Value> values;
  for (const YamlNode& item : items) {
    ATHANOR_ASSIGN_OR_RETURN(values.emplace_back(), item.Scalar());
  }
  return values;
}

// An int of an int parameter, else a float.
absl::StatusOr<double> Number(const YamlNode& node, ParameterType type) {
  if (type != ParameterType::kInt) return node.Float();
  ATHANOR_ASSIGN_OR_RETURN(const int64_t value, node.Int());
  return static_cast<double>(value);
}

absl::Status ReadRange(YamlMapReader& map, Parameter& parameter) {
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode min, map.Require("min"));
  ATHANOR_ASSIGN_OR_RETURN(parameter.min, Number(min, parameter.type));
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode max, map.Require("max"));
  ATHANOR_ASSIGN_OR_RETURN(parameter.max, Number(max, parameter.type));
  if (const YamlNode* scale = map.Find("scale")) {
    ATHANOR_ASSIGN_OR_RETURN(parameter.scale, Word<Scale>(*scale, {{"linear", Scale::kLinear}, {"log", Scale::kLog}}));
  }
  if (const YamlNode* step = map.Find("step")) {
    ATHANOR_ASSIGN_OR_RETURN(parameter.step, Number(*step, parameter.type));
  }
  return absl::OkStatus();
}

absl::StatusOr<Parameter> ReadParameter(const std::string& name, const YamlNode& node) {
  Parameter parameter;
  parameter.name = name;
  ATHANOR_ASSIGN_OR_RETURN(YamlMapReader map, YamlMapReader::Open(node));
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode type, map.Require("type"));
  ATHANOR_ASSIGN_OR_RETURN(parameter.type, Word<ParameterType>(type, {{"float", ParameterType::kFloat},
                                                                      {"int", ParameterType::kInt},
                                                                      {"categorical", ParameterType::kCategorical}}));
  if (parameter.type == ParameterType::kCategorical) {
    ATHANOR_ASSIGN_OR_RETURN(const YamlNode values, map.Require("values"));
    ATHANOR_ASSIGN_OR_RETURN(parameter.values, Scalars(values));
  } else {
    ATHANOR_RETURN_IF_ERROR(ReadRange(map, parameter));
  }
  if (const YamlNode* when = map.Find("when")) {
    ATHANOR_ASSIGN_OR_RETURN(const auto conditions, when->Map());
    for (const auto& [parent, wanted] : conditions) {
      ATHANOR_ASSIGN_OR_RETURN(std::vector<Value> values, Scalars(wanted));
      parameter.when.push_back({parent, std::move(values)});
    }
  }
  ATHANOR_RETURN_IF_ERROR(map.Finish());
  return parameter;
}

absl::StatusOr<Objective> ReadObjective(const YamlNode& node) {
  Objective objective;
  ATHANOR_ASSIGN_OR_RETURN(YamlMapReader map, YamlMapReader::Open(node));
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode metric, map.Require("metric"));
  ATHANOR_ASSIGN_OR_RETURN(objective.metric, metric.String());
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode goal, map.Require("goal"));
  ATHANOR_ASSIGN_OR_RETURN(objective.goal,
                           Word<Goal>(goal, {{"maximize", Goal::kMaximize}, {"minimize", Goal::kMinimize}}));
  ATHANOR_RETURN_IF_ERROR(map.Finish());
  return objective;
}

}  // namespace

absl::StatusOr<StudySpec> ParseSpaceFile(std::string_view text, const std::string& file) {
  ATHANOR_ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse(text, file));
  ATHANOR_ASSIGN_OR_RETURN(YamlMapReader map, YamlMapReader::Open(document.root()));
  StudySpec study;
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode name, map.Require("name"));
  ATHANOR_ASSIGN_OR_RETURN(study.name, name.String());
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode objective, map.Require("objective"));
  ATHANOR_ASSIGN_OR_RETURN(study.objectives.emplace_back(), ReadObjective(objective));
  if (const YamlNode* resource = map.Find("resource")) {
    ATHANOR_ASSIGN_OR_RETURN(study.resource,
                             Word<Resource>(*resource, {{"epoch", Resource::kEpoch}, {"step", Resource::kStep}}));
  }
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode max_resource, map.Require("max_resource"));
  ATHANOR_ASSIGN_OR_RETURN(const int64_t steps, max_resource.Int());
  if (steps < 1) return max_resource.Error(absl::StrCat("found ", steps, "; want an int >= 1"));
  study.trainer[std::string(ResourceOption(study.resource))] = steps;
  ATHANOR_ASSIGN_OR_RETURN(const YamlNode parameters, map.Require("parameters"));
  ATHANOR_ASSIGN_OR_RETURN(const auto entries, parameters.Map());
  for (const auto& [key, node] : entries) {
    ATHANOR_ASSIGN_OR_RETURN(study.parameters.emplace_back(), ReadParameter(key, node));
  }
  ATHANOR_RETURN_IF_ERROR(map.Finish());
  if (const auto space = SearchSpace::Create(study.parameters); !space.ok()) {
    const std::string message(space.status().message());  // "key.path: why"
    const size_t colon = std::min(message.find(": "), message.size());
    return document.Error(message.substr(0, colon), message.substr(std::min(colon + 2, message.size())));
  }
  return study;
}

}  // namespace athanor
