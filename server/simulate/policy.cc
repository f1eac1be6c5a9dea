#include "server/simulate/policy.h"

#include <algorithm>

#include "base/status.h"
#include "server/search/auto.h"

namespace athanor {

absl::StatusOr<StudySpec> StudyOf(const Task& task, const Policy& policy, int64_t workers, uint64_t seed) {
  if (policy.budget.wall_clock_ms.has_value()) {
    return absl::InvalidArgumentError("budget.wall_clock: is real time; want a cut-off in virtual time");
  }
  StudySpec spec = task.study();
  spec.search = policy.search;
  spec.search.seed = seed;
  spec.early_stopping = policy.early_stopping;
  spec.budget = policy.budget;
  if (spec.budget.parallel == 0) spec.budget.parallel = workers;  // what `auto` looks at, too
  if (const auto stock = task.stock()) spec.budget.trials = std::min(spec.budget.trials.value_or(*stock), *stock);
  ATHANOR_RETURN_IF_ERROR(CompleteForAnyTrainer(spec));
  PickMethod(spec);
  return spec;
}

}  // namespace athanor
