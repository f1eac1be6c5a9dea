#include "server/insight/ped_anova.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace athanor {
namespace {

constexpr double kBestShare = 0.1;
constexpr size_t kFewestBest = 4;
// Of Scott's bandwidth, in cells: a narrower kernel is no wider than its cell.
constexpr double kNarrowest = 0.5;

// The trials as good as the tenth-best of a hundred.
std::vector<size_t> BestTrials(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return values[i]; });
  const auto tenth = static_cast<size_t>(std::ceil(kBestShare * static_cast<double>(values.size())));
  const size_t wanted = std::min(std::max(tenth, kFewestBest), values.size());
  const double bound = values[order[wanted - 1]];
  std::erase_if(order, [&](size_t i) { return values[i] > bound; });
  return order;
}

// h = sigma n^(-1/5), in cells, of the best trials in which the parameter is active.
double Bandwidth(const ParameterCells& cells, std::span<const size_t> best) {
  double n = 0, sum = 0, squares = 0;
  for (const size_t trial : best) {
    if (cells.has_inactive && cells.of_trial[trial] == 0) continue;
    const auto cell = static_cast<double>(cells.of_trial[trial]);
    n += 1;
    sum += cell;
    squares += cell * cell;
  }
  if (n < 2) return kNarrowest;
  const double variance = std::max(0.0, (squares - sum * sum / n) / (n - 1));
  return std::max(kNarrowest, std::sqrt(variance) * std::pow(n, -0.2));
}

// [cells, cells]: how the mass of a trial in one cell spreads over all.
std::vector<std::vector<double>> Kernels(const ParameterCells& cells, double bandwidth) {
  const size_t count = cells.mass.size();
  std::vector<std::vector<double>> kernels(count, std::vector<double>(count, 0.0));
  for (size_t from = 0; from < count; ++from) {
    if (cells.is_category || (cells.has_inactive && from == 0)) {
      kernels[from][from] = 1;
      continue;
    }
    double sum = 0;
    for (size_t to = cells.has_inactive ? 1 : 0; to < count; ++to) {
      const double apart = (static_cast<double>(to) - static_cast<double>(from)) / bandwidth;
      sum += kernels[from][to] = std::exp(-0.5 * apart * apart);
    }
    for (double& mass : kernels[from]) mass /= sum;
  }
  return kernels;
}

// The divergence, less its mean over all choices of as many trials.
double Divergence(const ParameterCells& cells, std::span<const size_t> best) {
  const size_t count = cells.mass.size();
  const auto n = static_cast<double>(cells.of_trial.size()), chosen = static_cast<double>(best.size());
  const auto kernels = Kernels(cells, Bandwidth(cells, best));
  std::vector<double> all(count), squares(count), top(count);
  for (const size_t from : cells.of_trial) {
    for (size_t to = 0; to < count; ++to) {
      all[to] += kernels[from][to] / n;
      squares[to] += kernels[from][to] * kernels[from][to] / n;
    }
  }
  for (const size_t trial : best) {
    for (size_t to = 0; to < count; ++to) top[to] += kernels[cells.of_trial[trial]][to] / chosen;
  }
  // The variance of a mean of `chosen` out of n, drawn without replacement.
  const double drawn = (n - chosen) / (chosen * (n - 1));
  double divergence = 0, by_chance = 0;
  for (size_t to = 0; to < count; ++to) {
    if (all[to] <= 0) continue;
    divergence += (top[to] - all[to]) * (top[to] - all[to]) / all[to];
    by_chance += drawn * (squares[to] - all[to] * all[to]) / all[to];
  }
  return std::max(0.0, divergence - by_chance);
}

}  // namespace

std::vector<double> PedAnova(std::span<const ParameterCells> parameters, std::span<const double> values) {
  const std::vector<size_t> best = BestTrials(values);
  std::vector<double> importance(parameters.size());
  if (best.size() == values.size()) return importance;
  double sum = 0;
  for (size_t i = 0; i < parameters.size(); ++i) sum += importance[i] = Divergence(parameters[i], best);
  for (double& share : importance) share = sum > 0 ? share / sum : 0;
  return importance;
}

}  // namespace athanor
