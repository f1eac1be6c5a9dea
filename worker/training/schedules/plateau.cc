#include "worker/training/schedules/plateau.h"

#include <cmath>

namespace athanor::training {
namespace {

constexpr double kSmallestHalving = 1.0 / 1024;

bool Better(Goal goal, double value, double best, double threshold) {
  if (!std::isfinite(value)) return false;
  if (std::isnan(best)) return true;
  const double gain = goal == Goal::kMaximize ? value - best : best - value;
  return gain > threshold * std::abs(best);
}

}  // namespace

void ObserveObjective(const ScheduleOptions& options, Goal goal, double value, PlateauState& state) {
  const bool halves = options.shape == ScheduleShape::kHalveOnPlateau;
  if (!halves && options.shape != ScheduleShape::kPlateau) return;
  if (state.finished) return;
  if (Better(goal, value, state.best, options.plateau_threshold)) {
    state.best = value;
    state.waited = 0;
    return;
  }
  if (++state.waited <= options.plateau_patience) return;
  state.waited = 0;
  state.factor *= halves ? 0.5 : options.decay_factor;
  state.finished = halves && state.factor < kSmallestHalving;
}

}  // namespace athanor::training
