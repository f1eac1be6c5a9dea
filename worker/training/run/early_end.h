// Where a trial ends by itself before its resource does, and is done.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/value.h"
#include "worker/training/goal.h"
#include "worker/training/options/options.h"

namespace athanor::training {

// Plain numbers, for the checkpoint.
struct EarlyEndState {
  double best = std::numeric_limits<double>::quiet_NaN();  // NaN: no finite value yet
  int64_t waited = 0;                                      // measurements since
  int64_t ended = 0;                                       // 1: the trial is done
};

// Takes in the objective of one measurement, in the order of measurements, and says why the trial ends here, if it
// does. A value is better if it is so by more than min_delta (Prechelt 1998, "Early stopping - but when?"); one that is
// not finite never is.
inline std::optional<std::string> ObserveForEarlyEnd(const EarlyEndOptions& options, Goal goal, double value,
                                                     EarlyEndState& state) {
  const double sign = goal == Goal::kMaximize ? 1 : -1;
  if (options.stop_at.has_value() && sign * value >= sign * *options.stop_at) {
    state.ended = 1;
    return "reached stop_at " + ToString(Value(*options.stop_at)) + " with " + ToString(Value(value));
  }
  const bool first = std::isnan(state.best);
  if (std::isfinite(value) && (first || sign * value > sign * state.best + options.min_delta)) {
    state = {.best = value};
    return std::nullopt;
  }
  ++state.waited;
  if (options.patience == 0 || state.waited < options.patience) return std::nullopt;
  state.ended = 1;
  return std::to_string(state.waited) + " measurements without a better objective than " + ToString(Value(state.best)) +
         " (patience)";
}

}  // namespace athanor::training
