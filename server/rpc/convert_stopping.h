// The early-stopping rule of a study: message to domain type and back.
#pragma once

#include "absl/status/statusor.h"
#include "athanor/v1/study.pb.h"
#include "server/core/study_spec.h"

namespace athanor {

// Writes every option, defaults included; no method for NoStopping.
v1::EarlyStopping ToProto(const EarlyStoppingOptions& options);

// What is absent gets its default. INVALID_ARGUMENT with key path where a zero on the wire would be taken for an absent
// option, and for an inner rule of `patience` that has rungs or is `patience` itself. Ranges are Complete()'s to check.
absl::StatusOr<EarlyStoppingOptions> FromProto(const v1::EarlyStopping& proto);

}  // namespace athanor
