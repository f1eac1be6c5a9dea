// Many simulations, put together: how much sooner a policy gets there than random search does, and how far it is from
// the optimum when.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/simulate/simulation.h"

namespace athanor {

// One policy with one number of workers on one task, simulated once a seed.
struct Cell {
  size_t task = 0;
  size_t policy = 0;
  int64_t workers = 0;
  std::vector<SimulationResult> by_seed;
};

// A ratio of times with the ends of its 95% bootstrap interval.
struct SpeedUp {
  double ratio = 1;
  double low = 1;
  double high = 1;
};

// The time to target `target` of each seed, `cut_off` where it was not reached. Units.
std::vector<double> TimesTo(const Cell& cell, size_t target, double cut_off);

// Of one task: mean time of the baseline over seeds by mean time of the policy over seeds. The interval resamples the
// seeds of each of the two (kResamples times, always the same draws); percentile method.
SpeedUp Compare(std::span<const double> baseline, std::span<const double> policy);
// Of several tasks: the geometric mean of their ratios; every resample draws all of them anew. The two lists are by
// task, of equal length, not empty.
SpeedUp CompareAll(std::span<const std::vector<double>> baseline, std::span<const std::vector<double>> policy);
inline constexpr int kResamples = 2000;

// What regret is a function of.
enum class Axis { kTime, kSteps, kTrials };
inline constexpr std::array<Axis, 3> kAxes = {Axis::kTime, Axis::kSteps, Axis::kTrials};
const char* ToString(Axis axis);  // "time", "steps", "trials"

// The best value so far (oriented) less the optimum after so much time (units), so many steps or started trials;
// nullopt before the first finite value. Of the last improvement at or before `at`.
std::optional<double> RegretAt(const SimulationResult& result, double optimum, Axis axis, double at);
// Where to look: powers of two and what lies half-way, up to the end of every simulation.
std::vector<double> RegretGrid(std::span<const SimulationResult> results, Axis axis);

// Mean over seeds of what a simulation counted.
struct CellTotals {
  double end = 0;  // units
  double trials = 0;
  double completed = 0;
  double steps = 0;
  double leases = 0;
  double idle_share = 0;  // of all workers' time
  double silent_share = 0;
  double regret = 0;  // at the end; infinite if a seed saw no finite value
};
CellTotals TotalsOf(const Cell& cell, double optimum);

}  // namespace athanor
