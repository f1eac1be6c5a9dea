// StudySpec in the layout of a study file; the rest of wire_json.h is in wire_json.cc.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "client/cli/wire_json.h"

namespace athanor::cli {
namespace {

// The largest unit that divides it, as a study file has it.
std::string DurationText(int64_t milliseconds) {
  static constexpr std::pair<int64_t, const char*> kUnits[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}};
  for (const auto& [unit, suffix] : kUnits) {
    if (milliseconds != 0 && milliseconds % unit == 0) return fmt::format("{}{}", milliseconds / unit, suffix);
  }
  return "0s";
}

Json ToJson(const google::protobuf::Map<std::string, std::string>& labels) {
  // The wire's map has no order; a file that is compared with another should have one.
  Json json = Json::object();
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  for (const auto& [name, value] : sorted) json[name] = value;
  return json;
}

Json ToJson(const google::protobuf::RepeatedPtrField<v1::Value>& values) {
  Json json = Json::array();
  for (const v1::Value& value : values) json.push_back(cli::ToJson(value));
  return json;
}

Json ToJson(const v1::Parameter& parameter) {
  Json json = Json::object();
  switch (parameter.type()) {
    case v1::PARAMETER_TYPE_INT:
      json["type"] = "int";
      break;
    case v1::PARAMETER_TYPE_CATEGORICAL:
      json["type"] = "categorical";
      break;
    default:
      json["type"] = "float";
  }
  if (parameter.has_min()) json["min"] = cli::ToJson(parameter.min());
  if (parameter.has_max()) json["max"] = cli::ToJson(parameter.max());
  if (parameter.scale() == v1::SCALE_LOG) json["scale"] = "log";
  if (parameter.has_step()) json["step"] = cli::ToJson(parameter.step());
  if (parameter.has_points()) json["points"] = parameter.points();
  if (!parameter.values().empty()) json["values"] = ToJson(parameter.values());
  for (const v1::Condition& condition : parameter.when()) json["when"][condition.parent()] = ToJson(condition.values());
  return json;
}

void AddPercentile(const v1::PercentileStopping& options, Json* json) {
  if (options.has_startup_trials()) (*json)["startup_trials"] = options.startup_trials();
  (*json)["warmup_steps"] = options.warmup_steps();
  if (options.has_interval_steps()) (*json)["interval_steps"] = options.interval_steps();
  if (options.has_min_trials()) (*json)["min_trials"] = options.min_trials();
}

template <typename Options>
void AddRungs(const Options& options, Json* json) {
  if (options.has_min_resource()) (*json)["min_resource"] = options.min_resource();
  if (options.has_max_resource()) (*json)["max_resource"] = options.max_resource();
  if (options.has_reduction_factor()) (*json)["reduction_factor"] = options.reduction_factor();
}

void AddThreshold(const v1::ThresholdStopping& options, Json* json) {
  if (options.has_lower()) (*json)["lower"] = options.lower();
  if (options.has_upper()) (*json)["upper"] = options.upper();
  (*json)["warmup_steps"] = options.warmup_steps();
  if (options.has_interval_steps()) (*json)["interval_steps"] = options.interval_steps();
}

// As a study file wants it: what `auto` has picked is a fact of the study.
Json ToJson(const v1::Search& search) {
  Json json = {{"method", search.method()}, {"seed", search.seed()}};
  if (search.has_startup_trials()) json["startup_trials"] = search.startup_trials();
  if (search.has_random_share()) json["random_share"] = search.random_share();
  return json;
}

Json ToJson(const v1::EarlyStopping& stopping) {
  Json json = Json::object();
  switch (stopping.method_case()) {
    case v1::EarlyStopping::kMedian:
      json["method"] = "median";
      AddPercentile(stopping.median(), &json);
      break;
    case v1::EarlyStopping::kPercentile:
      json["method"] = "percentile";
      if (stopping.percentile().has_percentile()) json["percentile"] = stopping.percentile().percentile();
      AddPercentile(stopping.percentile(), &json);
      break;
    case v1::EarlyStopping::kAsha:
      json["method"] = "asha";
      AddRungs(stopping.asha(), &json);
      if (stopping.asha().has_finalists()) json["finalists"] = stopping.asha().finalists();
      if (stopping.asha().has_brackets()) json["brackets"] = stopping.asha().brackets();
      break;
    case v1::EarlyStopping::kAshaStopping:
      json["method"] = "asha_stopping";
      AddRungs(stopping.asha_stopping(), &json);
      json["startup_trials"] = stopping.asha_stopping().startup_trials();
      break;
    case v1::EarlyStopping::kHyperband:
      json["method"] = "hyperband";
      AddRungs(stopping.hyperband(), &json);
      if (stopping.hyperband().has_finalists()) json["finalists"] = stopping.hyperband().finalists();
      json["synchronous"] = stopping.hyperband().synchronous();
      break;
    case v1::EarlyStopping::kThreshold:
      json["method"] = "threshold";
      AddThreshold(stopping.threshold(), &json);
      break;
    case v1::EarlyStopping::kPatience:
      json["method"] = "patience";
      if (stopping.patience().has_patience()) json["patience"] = stopping.patience().patience();
      json["min_delta"] = stopping.patience().min_delta();
      if (stopping.patience().has_inner()) json["inner"] = ToJson(stopping.patience().inner());
      break;
    case v1::EarlyStopping::METHOD_NOT_SET:
      json["method"] = "none";
      break;
  }
  return json;
}

Json ToJson(const v1::Budget& budget) {
  Json json = Json::object();
  if (budget.has_trials()) json["trials"] = budget.trials();
  if (budget.parallel() != 0) json["parallel"] = budget.parallel();
  if (budget.has_wall_clock_ms()) json["wall_clock"] = DurationText(budget.wall_clock_ms());
  if (budget.has_max_failures()) json["max_failures"] = budget.max_failures();
  if (budget.has_target()) json["target"] = budget.target();
  return json;
}

Json ToJson(const v1::Retry& retry) {
  Json json = Json::object();
  if (retry.has_max_attempts()) json["max_attempts"] = retry.max_attempts();
  if (retry.has_stall_timeout_ms()) json["stall_timeout"] = DurationText(retry.stall_timeout_ms());
  return json;
}

Json ToJson(const v1::Requirements& requirements) {
  Json json = Json::object();
  if (!requirements.device().empty()) json["device"] = requirements.device();
  if (requirements.has_devices()) json["devices"] = requirements.devices();
  if (!requirements.labels().empty()) json["labels"] = ToJson(requirements.labels());
  return json;
}

Json ToJson(const v1::CheckpointPolicy& checkpoint) {
  Json json = Json::object();
  if (checkpoint.has_interval_ms()) json["interval"] = DurationText(checkpoint.interval_ms());
  if (checkpoint.has_keep_best()) json["keep_best"] = checkpoint.keep_best();
  return json;
}

}  // namespace

Json ToJson(const v1::StudySpec& spec) {
  Json json = Json::object();
  json["name"] = spec.name();
  if (!spec.description().empty()) json["description"] = spec.description();
  if (!spec.labels().empty()) json["labels"] = ToJson(spec.labels());
  json["priority"] = spec.priority();
  for (const v1::Objective& objective : spec.objectives()) {
    json["objective"] = {{"metric", objective.metric()},
                         {"goal", objective.goal() == v1::GOAL_MINIMIZE ? "minimize" : "maximize"}};
  }
  json["resource"] = spec.resource() == v1::RESOURCE_STEP ? "step" : "epoch";
  json["parameters"] = Json::object();
  for (const v1::Parameter& parameter : spec.parameters()) json["parameters"][parameter.name()] = ToJson(parameter);
  if (spec.has_search()) json["search"] = ToJson(spec.search());
  json["early_stopping"] = ToJson(spec.early_stopping());
  if (spec.has_budget()) json["budget"] = ToJson(spec.budget());
  if (spec.has_retry()) json["retry"] = ToJson(spec.retry());
  if (spec.has_requirements()) json["requires"] = ToJson(spec.requirements());
  if (spec.has_checkpoint()) json["checkpoint"] = ToJson(spec.checkpoint());
  json["trainer"] = ToJson(spec.trainer());
  for (const std::string& study : spec.warm_start()) json["warm_start"].push_back(study);
  return json;
}

}  // namespace athanor::cli
