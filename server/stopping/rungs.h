// What rules with rungs have in common: where the rungs are, which of them a trial has still to enter, how its value
// stands there. `number` is that of the trial's ladder.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "server/core/ladder.h"
#include "server/core/study_spec.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {

// The ladder of a rule whose trials all climb the same one.
inline constexpr int64_t kOnlyLadder = 0;
// The bound of a decision that compared its value with nothing.
inline constexpr double kNoBound = std::numeric_limits<double>::quiet_NaN();

// INVALID_ARGUMENT with key path unless 1 <= min_resource <= max_resource and reduction_factor >= 2.
absl::Status CheckRungs(const HalvingOptions& options);

// Steps of the rungs: min_resource * reduction_factor^k below max_resource, and a last one at max_resource. Ascending,
// all different. Integers only; what would overflow is above max_resource. `options` pass CheckRungs.
std::vector<int64_t> RungSteps(const HalvingOptions& options);

// The rungs [first, end) that a value at `step` reaches: open ones at or below it.
struct RungRange {
  int64_t first = 0;
  int64_t end = 0;
  bool empty() const { return first >= end; }
};
RungRange ReachedRungs(const Ladder& ladder, const std::vector<int64_t>& steps, const TrialValue& value);

// How a value stands among those at a rung, its own included, whether or not `rung` holds it already.
struct Standing {
  int64_t n = 0;
  int64_t strictly_better = 0;
};
// Its n: how many values there are once the trial has entered.
int64_t CountWith(const Rung& rung, TrialNumber trial);
Standing StandingAt(const Rung& rung, TrialNumber trial, double value);
// The value of place `place` (1 = best) among the same n values. 1 <= place <= n.
double ValueAtPlace(const Rung& rung, double value, int64_t place);

// The rungs of a ladder, as far as the end of a trial asks for them.
struct LadderShape {
  int64_t number = 0;
  int64_t rungs = 0;
  int64_t first_rung = 0;  // of the trial
};
// StoppingRule::OnEnd for rules with rungs: COMPLETED enters every open rung with `last`; FAILED and INFEASIBLE enter
// with +inf the lowest open one, and those after it up to first_rung, unless the +inf of an earlier failure stands
// there.
std::vector<EnteredRung> RungsOnEnd(const Ladder& ladder, const LadderShape& shape, TrialNumber trial, TrialEnd end,
                                    double last);

}  // namespace athanor
