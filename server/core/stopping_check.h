// The early_stopping section of a study file: what Complete() fills in there, and what it refuses.
#pragma once

#include "absl/status/status.h"
#include "server/core/study_spec.h"

namespace athanor {

// Part of Complete(): `spec.parameters` and `spec.trainer` have been checked. Fills in max_resource of a rule with
// rungs, or the trainer's length from it, and the median's percentile.
absl::Status CompleteStopping(StudySpec& spec);

}  // namespace athanor
