// When rules that look at a trial now and then look at it.
#pragma once

#include <cstdint>

#include "server/stopping/stopping_rule.h"

namespace athanor {

// Whether this value is the trial's first at or after one of the boundaries warmup_steps + k * interval_steps, k >= 0.
inline bool AtBoundary(const TrialValue& value, int64_t warmup_steps, int64_t interval_steps) {
  if (value.step < warmup_steps) return false;
  const int64_t past = (value.step - warmup_steps) % interval_steps;
  return !value.previous_step || *value.previous_step < value.step - past;
}

}  // namespace athanor
