#include "server/simulate/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"

namespace athanor {
namespace {

constexpr uint64_t kBootstrapSeed = 0x626f6f74;  // "boot"

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double ResampledMean(std::span<const double> values, Random& random) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += values[random.Below(values.size())];
  return sum / static_cast<double>(values.size());
}

// A policy that is there at once is not infinitely fast.
double Ratio(double baseline, double policy) {
  constexpr double kSoonest = 1e-9;
  return std::max(baseline, kSoonest) / std::max(policy, kSoonest);
}

double PositionOf(const Improvement& improvement, Axis axis) {
  switch (axis) {
    case Axis::kTime:
      return improvement.time;
    case Axis::kSteps:
      return static_cast<double>(improvement.steps);
    case Axis::kTrials:
      return static_cast<double>(improvement.trials);
  }
  return 0;
}

double EndOf(const SimulationResult& result, Axis axis) {
  return PositionOf({result.end, result.steps, result.trials, 0}, axis);
}

}  // namespace

std::vector<double> TimesTo(const Cell& cell, size_t target, double cut_off) {
  std::vector<double> times;
  for (const SimulationResult& result : cell.by_seed) {
    times.push_back(std::min(result.reached[target].value_or(cut_off), cut_off));
  }
  return times;
}

SpeedUp Compare(std::span<const double> baseline, std::span<const double> policy) {
  const std::vector<double> baselines[] = {{baseline.begin(), baseline.end()}};
  const std::vector<double> policies[] = {{policy.begin(), policy.end()}};
  return CompareAll(baselines, policies);
}

SpeedUp CompareAll(std::span<const std::vector<double>> baseline, std::span<const std::vector<double>> policy) {
  const auto tasks = static_cast<double>(baseline.size());
  SpeedUp speed_up;
  double sum = 0;
  for (size_t task = 0; task < baseline.size(); ++task) {
    sum += std::log(Ratio(Mean(baseline[task]), Mean(policy[task])));
  }
  speed_up.ratio = std::exp(sum / tasks);

  Random random(kBootstrapSeed);
  std::vector<double> ratios;
  for (int i = 0; i < kResamples; ++i) {
    double resampled = 0;
    for (size_t task = 0; task < baseline.size(); ++task) {
      const double before = ResampledMean(baseline[task], random);
      resampled += std::log(Ratio(before, ResampledMean(policy[task], random)));
    }
    ratios.push_back(std::exp(resampled / tasks));
  }
  std::ranges::sort(ratios);
  speed_up.low = ratios[static_cast<size_t>(kResamples * 0.025)];
  speed_up.high = ratios[static_cast<size_t>(kResamples * 0.975) - 1];
  return speed_up;
}

const char* ToString(Axis axis) {
  switch (axis) {
    case Axis::kTime:
      return "time";
    case Axis::kSteps:
      return "steps";
    case Axis::kTrials:
      return "trials";
  }
  return "";
}

std::optional<double> RegretAt(const SimulationResult& result, double optimum, Axis axis, double at) {
  const auto after = std::ranges::find_if(
      result.improvements, [&](const Improvement& improvement) { return PositionOf(improvement, axis) > at; });
  if (after == result.improvements.begin()) return std::nullopt;
  return std::prev(after)->best - optimum;
}

std::vector<double> RegretGrid(std::span<const SimulationResult> results, Axis axis) {
  double end = 0;
  for (const SimulationResult& result : results) end = std::max(end, EndOf(result, axis));
  std::vector<double> grid;
  for (double at = axis == Axis::kTime ? 0.125 : 1; at < end; at *= 2) {
    grid.push_back(at);
    if (const double half_way = at * 1.5; half_way < end && (axis == Axis::kTime || at > 1)) grid.push_back(half_way);
  }
  if (end > 0) grid.push_back(end);
  return grid;
}

CellTotals TotalsOf(const Cell& cell, double optimum) {
  CellTotals totals;
  const auto seeds = static_cast<double>(cell.by_seed.size());
  for (const SimulationResult& result : cell.by_seed) {
    const double worker_time = result.end * static_cast<double>(cell.workers);
    totals.end += result.end / seeds;
    totals.trials += static_cast<double>(result.trials) / seeds;
    totals.completed += static_cast<double>(result.completed) / seeds;
    totals.steps += static_cast<double>(result.steps) / seeds;
    totals.leases += static_cast<double>(result.leases) / seeds;
    if (worker_time > 0) {
      totals.idle_share += result.idle / worker_time / seeds;
      totals.silent_share += result.silent / worker_time / seeds;
    }
    const auto& improvements = result.improvements;
    totals.regret +=
        improvements.empty() ? std::numeric_limits<double>::infinity() : (improvements.back().best - optimum) / seeds;
  }
  return totals;
}

}  // namespace athanor
