// Values and enumerations, wire <-> domain. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "athanor/v1/study.pb.h"
#include "athanor/v1/study_service.pb.h"
#include "base/clock.h"
#include "base/value.h"
#include "google/protobuf/map.h"
#include "google/protobuf/repeated_field.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"

namespace athanor {

v1::Value ToProto(const Value& value);
// INVALID_ARGUMENT starting with `path` if no kind is set.
absl::StatusOr<Value> FromProto(const v1::Value& value, const std::string& path);

// In order of name.
google::protobuf::RepeatedPtrField<v1::NamedValue> ToProto(const NamedValues& values);
// INVALID_ARGUMENT starting with "PATH.NAME" for a name without a value or given twice, or an empty name.
absl::StatusOr<NamedValues> FromProto(const google::protobuf::RepeatedPtrField<v1::NamedValue>& values,
                                      const std::string& path);

v1::StudyState ToProto(StudyState state);
v1::TrialState ToProto(TrialState state);
v1::AttemptOutcome ToProto(AttemptOutcome outcome);
v1::Action ToProto(Action action);
v1::Goal ToProto(Goal goal);
v1::Resource ToProto(Resource resource);

// Nothing for UNSPECIFIED and for numbers of a later version.
std::optional<StudyState> FromProto(v1::StudyState state);
std::optional<TrialState> FromProto(v1::TrialState state);
std::optional<AttemptOutcome> FromProto(v1::AttemptOutcome outcome);  // UNSPECIFIED means live: nothing
std::optional<Goal> FromProto(v1::Goal goal);

inline int64_t ToUnixMs(WallTime time) { return time.time_since_epoch().count(); }
inline int64_t ToMs(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace athanor
