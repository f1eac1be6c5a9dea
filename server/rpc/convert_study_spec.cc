#include "server/rpc/convert_study_spec.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/rpc/convert_stopping.h"
#include "server/rpc/convert_value.h"

namespace athanor {
namespace {

absl::Status Refuse(const std::string& path, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", why));
}

// A bound or a step: an int where the parameter is one, a float (or an int, widened) otherwise.
absl::StatusOr<double> Number(const v1::Value& proto, ParameterType type, const std::string& path) {
  const bool integer = type == ParameterType::kInt;
  if (proto.kind_case() == v1::Value::kIntValue) return static_cast<double>(proto.int_value());
  if (proto.kind_case() == v1::Value::kFloatValue && !integer) return proto.float_value();
  ATHANOR_ASSIGN_OR_RETURN(const Value value, FromProto(proto, path));
  return Refuse(path, absl::StrCat(TypeName(value), " ", ToString(value), "; want ", integer ? "int" : "float"));
}

v1::Value Number(double number, ParameterType type) {
  v1::Value proto;
  if (type == ParameterType::kInt) {
    proto.set_int_value(static_cast<int64_t>(number));
  } else {
    proto.set_float_value(number);
  }
  return proto;
}

absl::StatusOr<std::vector<Value>> Values(const google::protobuf::RepeatedPtrField<v1::Value>& protos,
                                          const std::string& path) {
  std::vector<Value> values;
  for (const v1::Value& proto : protos) {
    ATHANOR_ASSIGN_OR_RETURN(Value value, FromProto(proto, absl::StrCat(path, "[", values.size(), "]")));
    values.push_back(std::move(value));
  }
  return values;
}

absl::StatusOr<ParameterType> TypeOf(const v1::Parameter& proto, const std::string& path) {
  switch (proto.type()) {
    case v1::PARAMETER_TYPE_FLOAT:
      return ParameterType::kFloat;
    case v1::PARAMETER_TYPE_INT:
      return ParameterType::kInt;
    case v1::PARAMETER_TYPE_CATEGORICAL:
      return ParameterType::kCategorical;
    default:
      return Refuse(path + ".type", "is missing; want float, int or categorical");
  }
}

absl::Status ReadBounds(const v1::Parameter& proto, const std::string& path, Parameter& parameter) {
  if (parameter.type == ParameterType::kCategorical) {
    if (proto.has_min()) return Refuse(path + ".min", "given; a categorical wants values only");
    if (proto.has_max()) return Refuse(path + ".max", "given; a categorical wants values only");
    if (proto.has_step()) return Refuse(path + ".step", "given; a categorical wants values only");
    return absl::OkStatus();
  }
  if (!proto.has_min()) return Refuse(path + ".min", "is missing");
  if (!proto.has_max()) return Refuse(path + ".max", "is missing");
  ATHANOR_ASSIGN_OR_RETURN(parameter.min, Number(proto.min(), parameter.type, path + ".min"));
  ATHANOR_ASSIGN_OR_RETURN(parameter.max, Number(proto.max(), parameter.type, path + ".max"));
  if (proto.has_step()) {
    ATHANOR_ASSIGN_OR_RETURN(parameter.step, Number(proto.step(), parameter.type, path + ".step"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Parameter> ReadParameter(const v1::Parameter& proto) {
  const std::string path = absl::StrCat("parameters.", proto.name());
  Parameter parameter;
  parameter.name = proto.name();
  ATHANOR_ASSIGN_OR_RETURN(parameter.type, TypeOf(proto, path));
  ATHANOR_RETURN_IF_ERROR(ReadBounds(proto, path, parameter));
  if (!v1::Scale_IsValid(proto.scale())) return Refuse(path + ".scale", "is unknown; want linear or log");
  parameter.scale = proto.scale() == v1::SCALE_LOG ? Scale::kLog : Scale::kLinear;
  if (proto.has_points()) parameter.points = proto.points();
  ATHANOR_ASSIGN_OR_RETURN(parameter.values, Values(proto.values(), path + ".values"));
  for (const v1::Condition& condition : proto.when()) {
    ATHANOR_ASSIGN_OR_RETURN(auto values, Values(condition.values(), absl::StrCat(path, ".when.", condition.parent())));
    parameter.when.push_back({condition.parent(), std::move(values)});
  }
  return parameter;
}

v1::Parameter WriteParameter(const Parameter& parameter) {
  v1::Parameter proto;
  proto.set_name(parameter.name);
  switch (parameter.type) {
    case ParameterType::kFloat:
      proto.set_type(v1::PARAMETER_TYPE_FLOAT);
      break;
    case ParameterType::kInt:
      proto.set_type(v1::PARAMETER_TYPE_INT);
      break;
    case ParameterType::kCategorical:
      proto.set_type(v1::PARAMETER_TYPE_CATEGORICAL);
      break;
  }
  if (parameter.type != ParameterType::kCategorical) {
    *proto.mutable_min() = Number(parameter.min, parameter.type);
    *proto.mutable_max() = Number(parameter.max, parameter.type);
    proto.set_scale(parameter.scale == Scale::kLog ? v1::SCALE_LOG : v1::SCALE_LINEAR);
    if (parameter.step.has_value()) *proto.mutable_step() = Number(*parameter.step, parameter.type);
  }
  if (parameter.points.has_value()) proto.set_points(*parameter.points);
  for (const Value& value : parameter.values) *proto.add_values() = ToProto(value);
  for (const Condition& condition : parameter.when) {
    v1::Condition& when = *proto.add_when();
    when.set_parent(condition.parent);
    for (const Value& value : condition.values) *when.add_values() = ToProto(value);
  }
  return proto;
}

absl::Status ReadObjectives(const v1::StudySpec& proto, StudySpec& spec) {
  for (const v1::Objective& objective : proto.objectives()) {
    const auto goal = FromProto(objective.goal());
    if (!goal.has_value()) return Refuse("objective.goal", "is missing; want maximize or minimize");
    spec.objectives.push_back({objective.metric(), *goal});
  }
  return absl::OkStatus();
}

// What is left: plain copies with the defaults in place.
void ReadPolicies(const v1::StudySpec& proto, StudySpec& spec) {
  if (!proto.search().method().empty()) spec.search.method = proto.search().method();
  spec.search.seed = proto.search().seed();
  if (proto.search().has_startup_trials()) spec.search.startup_trials = proto.search().startup_trials();
  if (proto.search().has_random_share()) spec.search.random_share = proto.search().random_share();

  const v1::Budget& budget = proto.budget();
  if (budget.has_trials()) spec.budget.trials = budget.trials();
  spec.budget.parallel = budget.parallel();
  if (budget.has_wall_clock_ms()) spec.budget.wall_clock_ms = budget.wall_clock_ms();
  if (budget.has_max_failures()) spec.budget.max_failures = budget.max_failures();
  if (budget.has_target()) spec.budget.target = budget.target();

  if (proto.retry().has_max_attempts()) spec.retry.max_attempts = proto.retry().max_attempts();
  if (proto.retry().has_stall_timeout_ms()) spec.retry.stall_timeout_ms = proto.retry().stall_timeout_ms();

  const v1::Requirements& wants = proto.requirements();
  if (!wants.device().empty()) spec.requirements.device = wants.device();
  if (wants.has_devices()) spec.requirements.devices = wants.devices();
  spec.requirements.labels = {wants.labels().begin(), wants.labels().end()};

  if (proto.checkpoint().has_interval_ms()) spec.checkpoint.interval_ms = proto.checkpoint().interval_ms();
  if (proto.checkpoint().has_keep_best()) spec.checkpoint.keep_best = proto.checkpoint().keep_best();
}

void WritePolicies(const StudySpec& spec, v1::StudySpec& proto) {
  v1::Search& search = *proto.mutable_search();
  search.set_method(spec.search.method);
  search.set_seed(spec.search.seed);
  if (spec.search.startup_trials.has_value()) search.set_startup_trials(*spec.search.startup_trials);
  if (spec.search.random_share.has_value()) search.set_random_share(*spec.search.random_share);
  search.set_picked(spec.search.picked);
  search.set_picked_reason(spec.search.picked_reason);

  v1::Budget& budget = *proto.mutable_budget();
  if (spec.budget.trials.has_value()) budget.set_trials(*spec.budget.trials);
  budget.set_parallel(spec.budget.parallel);
  if (spec.budget.wall_clock_ms.has_value()) budget.set_wall_clock_ms(*spec.budget.wall_clock_ms);
  if (spec.budget.max_failures.has_value()) budget.set_max_failures(*spec.budget.max_failures);
  if (spec.budget.target.has_value()) budget.set_target(*spec.budget.target);

  proto.mutable_retry()->set_max_attempts(spec.retry.max_attempts);
  proto.mutable_retry()->set_stall_timeout_ms(spec.retry.stall_timeout_ms);

  v1::Requirements& wants = *proto.mutable_requirements();
  wants.set_device(spec.requirements.device);
  wants.set_devices(spec.requirements.devices);
  wants.mutable_labels()->insert(spec.requirements.labels.begin(), spec.requirements.labels.end());

  proto.mutable_checkpoint()->set_interval_ms(spec.checkpoint.interval_ms);
  proto.mutable_checkpoint()->set_keep_best(spec.checkpoint.keep_best);
}

}  // namespace

v1::StudySpec ToProto(const StudySpec& spec) {
  v1::StudySpec proto;
  proto.set_name(spec.name);
  proto.set_description(spec.description);
  proto.mutable_labels()->insert(spec.labels.begin(), spec.labels.end());
  proto.set_priority(spec.priority);
  proto.set_owner(spec.owner);
  for (const Objective& objective : spec.objectives) {
    v1::Objective& wire = *proto.add_objectives();
    wire.set_metric(objective.metric);
    wire.set_goal(ToProto(objective.goal));
  }
  proto.set_resource(ToProto(spec.resource));
  for (const Parameter& parameter : spec.parameters) *proto.add_parameters() = WriteParameter(parameter);
  if (!std::holds_alternative<NoStopping>(spec.early_stopping)) {
    *proto.mutable_early_stopping() = ToProto(spec.early_stopping);
  }
  WritePolicies(spec, proto);
  *proto.mutable_trainer() = ToProto(spec.trainer);
  proto.mutable_warm_start()->Add(spec.warm_start.begin(), spec.warm_start.end());
  return proto;
}

absl::StatusOr<StudySpec> FromProto(const v1::StudySpec& proto) {
  StudySpec spec;
  spec.name = proto.name();
  spec.description = proto.description();
  spec.labels = {proto.labels().begin(), proto.labels().end()};
  spec.priority = proto.priority();
  spec.owner = proto.owner();
  ATHANOR_RETURN_IF_ERROR(ReadObjectives(proto, spec));
  if (!v1::Resource_IsValid(proto.resource())) return Refuse("resource", "is unknown; want epoch or step");
  spec.resource = proto.resource() == v1::RESOURCE_STEP ? Resource::kStep : Resource::kEpoch;
  for (const v1::Parameter& parameter : proto.parameters()) {
    ATHANOR_ASSIGN_OR_RETURN(Parameter read, ReadParameter(parameter));
    spec.parameters.push_back(std::move(read));
  }
  ATHANOR_ASSIGN_OR_RETURN(spec.early_stopping, FromProto(proto.early_stopping()));
  ReadPolicies(proto, spec);
  ATHANOR_ASSIGN_OR_RETURN(spec.trainer, FromProto(proto.trainer(), "trainer"));
  spec.warm_start = {proto.warm_start().begin(), proto.warm_start().end()};
  return spec;
}

}  // namespace athanor
