// The description of a recorded task: what was tuned, for how long, by which measure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/core/study_spec.h"

namespace athanor {

// Reads YAML with the keys `name`, `objective`, `resource` (default epoch), `max_resource` and `parameters`, each in
// the study file's own form (SEMANTICS section 1), into what Task::study() wants. Strict: INVALID_ARGUMENT with file,
// line and key path on anything else, and on whatever SearchSpace::Create refuses.
absl::StatusOr<StudySpec> ParseSpaceFile(std::string_view text, const std::string& file);

}  // namespace athanor
