#include "server/rpc/convert_value.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor {
namespace {

// One table an enumeration, read in both directions.
template <typename Wire, typename Domain>
struct Pair {
  Wire wire;
  Domain domain;
};

constexpr Pair<v1::StudyState, StudyState> kStudyStates[] = {
    {v1::STUDY_STATE_ACTIVE, StudyState::kActive},       {v1::STUDY_STATE_PAUSED, StudyState::kPaused},
    {v1::STUDY_STATE_COMPLETED, StudyState::kCompleted}, {v1::STUDY_STATE_CANCELLED, StudyState::kCancelled},
    {v1::STUDY_STATE_FAILED, StudyState::kFailed},
};
constexpr Pair<v1::TrialState, TrialState> kTrialStates[] = {
    {v1::TRIAL_STATE_WAITING, TrialState::kWaiting},       {v1::TRIAL_STATE_RUNNING, TrialState::kRunning},
    {v1::TRIAL_STATE_PAUSED, TrialState::kPaused},         {v1::TRIAL_STATE_COMPLETED, TrialState::kCompleted},
    {v1::TRIAL_STATE_PRUNED, TrialState::kPruned},         {v1::TRIAL_STATE_FAILED, TrialState::kFailed},
    {v1::TRIAL_STATE_INFEASIBLE, TrialState::kInfeasible}, {v1::TRIAL_STATE_CANCELLED, TrialState::kCancelled},
};
constexpr Pair<v1::AttemptOutcome, AttemptOutcome> kOutcomes[] = {
    {v1::ATTEMPT_OUTCOME_COMPLETED, AttemptOutcome::kCompleted},
    {v1::ATTEMPT_OUTCOME_PAUSED, AttemptOutcome::kPaused},
    {v1::ATTEMPT_OUTCOME_PRUNED, AttemptOutcome::kPruned},
    {v1::ATTEMPT_OUTCOME_FAILED, AttemptOutcome::kFailed},
    {v1::ATTEMPT_OUTCOME_INFEASIBLE, AttemptOutcome::kInfeasible},
    {v1::ATTEMPT_OUTCOME_CANCELLED, AttemptOutcome::kCancelled},
    {v1::ATTEMPT_OUTCOME_LOST, AttemptOutcome::kLost},
    {v1::ATTEMPT_OUTCOME_PREEMPTED, AttemptOutcome::kPreempted},
};
constexpr Pair<v1::Action, Action> kActions[] = {
    {v1::ACTION_CONTINUE, Action::kContinue},
    {v1::ACTION_PAUSE, Action::kPause},
    {v1::ACTION_PRUNE, Action::kPrune},
};
constexpr Pair<v1::Goal, Goal> kGoals[] = {
    {v1::GOAL_MAXIMIZE, Goal::kMaximize},
    {v1::GOAL_MINIMIZE, Goal::kMinimize},
};

template <typename Wire, typename Domain, size_t n>
Wire WireOf(const Pair<Wire, Domain> (&table)[n], Domain domain) {
  for (const auto& pair : table) {
    if (pair.domain == domain) return pair.wire;
  }
  return Wire{};
}

template <typename Wire, typename Domain, size_t n>
std::optional<Domain> DomainOf(const Pair<Wire, Domain> (&table)[n], Wire wire) {
  for (const auto& pair : table) {
    if (pair.wire == wire) return pair.domain;
  }
  return std::nullopt;
}

}  // namespace

v1::Value ToProto(const Value& value) {
  v1::Value proto;
  if (const auto* boolean = std::get_if<bool>(&value)) proto.set_bool_value(*boolean);
  if (const auto* integer = std::get_if<int64_t>(&value)) proto.set_int_value(*integer);
  if (const auto* number = std::get_if<double>(&value)) proto.set_float_value(*number);
  if (const auto* text = std::get_if<std::string>(&value)) proto.set_string_value(*text);
  return proto;
}

absl::StatusOr<Value> FromProto(const v1::Value& value, const std::string& path) {
  switch (value.kind_case()) {
    case v1::Value::kBoolValue:
      return Value(value.bool_value());
    case v1::Value::kIntValue:
      return Value(value.int_value());
    case v1::Value::kFloatValue:
      return Value(value.float_value());
    case v1::Value::kStringValue:
      return Value(value.string_value());
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": has no value; want a bool, int, float or string"));
}

google::protobuf::RepeatedPtrField<v1::NamedValue> ToProto(const NamedValues& values) {
  google::protobuf::RepeatedPtrField<v1::NamedValue> protos;
  protos.Reserve(static_cast<int>(values.size()));
  for (const auto& [name, value] : values) {
    v1::NamedValue& proto = *protos.Add();
    proto.set_name(name);
    *proto.mutable_value() = ToProto(value);
  }
  return protos;
}

absl::StatusOr<NamedValues> FromProto(const google::protobuf::RepeatedPtrField<v1::NamedValue>& values,
                                      const std::string& path) {
  NamedValues named;
  for (const v1::NamedValue& proto : values) {
    if (proto.name().empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": \"\" is an empty name"));
    const std::string key = absl::StrCat(path, ".", proto.name());
    ATHANOR_ASSIGN_OR_RETURN(Value value, FromProto(proto.value(), key));
    if (!named.emplace(proto.name(), std::move(value)).second) {
      return absl::InvalidArgumentError(absl::StrCat(key, ": is given twice"));
    }
  }
  return named;
}

v1::StudyState ToProto(StudyState state) { return WireOf(kStudyStates, state); }
v1::TrialState ToProto(TrialState state) { return WireOf(kTrialStates, state); }
v1::AttemptOutcome ToProto(AttemptOutcome outcome) { return WireOf(kOutcomes, outcome); }
v1::Action ToProto(Action action) { return WireOf(kActions, action); }
v1::Goal ToProto(Goal goal) { return WireOf(kGoals, goal); }
v1::Resource ToProto(Resource resource) { return resource == Resource::kStep ? v1::RESOURCE_STEP : v1::RESOURCE_EPOCH; }

std::optional<StudyState> FromProto(v1::StudyState state) { return DomainOf(kStudyStates, state); }
std::optional<TrialState> FromProto(v1::TrialState state) { return DomainOf(kTrialStates, state); }
std::optional<AttemptOutcome> FromProto(v1::AttemptOutcome outcome) { return DomainOf(kOutcomes, outcome); }
std::optional<Goal> FromProto(v1::Goal goal) { return DomainOf(kGoals, goal); }

}  // namespace athanor
