// The direction of the objective, normalised once: behind this door smaller is better and every non-finite value is
// +inf.
#pragma once

#include <cmath>
#include <limits>

#include "server/core/study_spec.h"

namespace athanor {

// +inf if `value` is not finite; else value, negated if larger is better.
inline double Orient(Goal goal, double value) {
  if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
  return goal == Goal::kMaximize ? -value : value;
}

// Back to the metric's own direction, for people. +inf becomes the worst infinity.
inline double Unorient(Goal goal, double oriented) { return goal == Goal::kMaximize ? -oriented : oriented; }

}  // namespace athanor
