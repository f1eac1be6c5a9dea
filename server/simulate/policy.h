// What a simulation compares: how configurations are chosen, and who is stopped when.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/core/study_spec.h"
#include "server/simulate/task.h"

namespace athanor {

// Which configurations a policy looks at.
enum class Proposals {
  kSearched,    // those of its search method
  kAsRecorded,  // those of a recorded task in their order, first; then those of its search method
};

struct Policy {
  std::string name;
  Proposals proposals = Proposals::kSearched;
  SearchOptions search;  // whose seed is not looked at
  EarlyStoppingOptions early_stopping;
  BudgetOptions budget;  // `trials` is cut to what the task has
};

// The completed spec of a study of the task under the policy, with as many trials running as there are workers unless
// the budget allows fewer. INVALID_ARGUMENT, with key path, as Complete; also for a
// budget of wall-clock time, which virtual time has none of.
absl::StatusOr<StudySpec> StudyOf(const Task& task, const Policy& policy, int64_t workers, uint64_t seed);

}  // namespace athanor
