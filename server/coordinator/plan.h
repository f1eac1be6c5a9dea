// What a study would do, worked out from its spec alone: the answer to `study submit --dry-run`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/core/search_space.h"
#include "server/core/study_spec.h"

namespace athanor {

struct PlannedRung {
  int64_t step = 0;
  // Trials that reach it as in synchronous halving: floor(n / reduction_factor) of the n at the rung below go on
  // (asha_stopping: at least one, and all of the start-up), and the finalists reach every one. What to expect where
  // values arrive in no particular order. Hyperband: summed over its brackets, whose trials pass the lower rungs; asha
  // with brackets: as if no trial passed any.
  int64_t trials = 0;
  // Trials that reach it in the worst order, each new value better than all before it. asha and hyperband:
  // reduction_factor - 1 fewer than at the rung below, a ladder, since the first promotion waits for reduction_factor
  // values and each later value promotes one trial at most; with brackets, from the highest of them on; synchronous
  // hyperband: as `trials`; asha_stopping: all.
  int64_t trials_at_most = 0;
};

// Steps are units of the study's resource, summed over trials. Work that is repeated after failures or a lost
// checkpoint is not in it, nor what a tuned number of epochs spares or, by entering rungs early, moves between them.
struct StudyPlan {
  std::optional<int64_t> trials;      // nullopt: until wall_clock or target ends the study; so are all sums then
  std::optional<int64_t> grid_size;   // points of the grid; nullopt under another method
  std::vector<Configuration> sample;  // suggestions 0, 1, ...; 10 at most
  std::vector<PlannedRung>
      rungs;  // lowest first, the last at max_resource; empty for rules without, and for unbounded trials
  int64_t max_resource = 0;
  std::optional<double> resource_expected;          // by PlannedRung::trials; without rungs, resource_at_most
  std::optional<double> resource_at_most;           // by PlannedRung::trials_at_most
  std::optional<double> resource_without_stopping;  // trials * max_resource
  std::vector<std::string> notes;                   // whole sentences for people
};

// The plan of a spec that went through Complete(). Pure; microseconds. INVALID_ARGUMENT, as Complete(), on a spec that
// did not.
absl::StatusOr<StudyPlan> PlanStudy(const StudySpec& completed);

}  // namespace athanor
