// The study file, wire <-> domain. Pure; thread-safe.
#pragma once

#include "absl/status/statusor.h"
#include "athanor/v1/study.pb.h"
#include "server/core/study_spec.h"

namespace athanor {

// Every field is set, defaults included, so that a reader needs no table of defaults.
v1::StudySpec ToProto(const StudySpec& spec);

// What is absent takes the default of study_spec.h; a zero that was set stays a zero. Checks types and presence only,
// Complete (study_spec.h) does the rest. INVALID_ARGUMENT starting with the key path of the study file
// ("parameters.momentum.max: string \"x\"; want float").
absl::StatusOr<StudySpec> FromProto(const v1::StudySpec& spec);

}  // namespace athanor
