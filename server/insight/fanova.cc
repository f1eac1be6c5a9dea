#include "server/insight/fanova.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace athanor {
namespace {

constexpr uint64_t kTrees = 64;
constexpr size_t kFewestInLeaf = 3;
constexpr double kTolerated = 2;              // times as far from the median as the best is
constexpr uint64_t kStream = 0x66616e6f7661;  // "fanova"

// Cells [lower, upper) of a parameter.
struct Range {
  size_t lower = 0;
  size_t upper = 0;
};

struct Leaf {
  std::vector<Range> ranges;  // by parameter
  double value = 0;
};

// Ordered cells of one parameter, categories from the best to the worst, so that every split is between neighbours
// (Breiman et al. 1984, theorem 4.5: for one node no other split of categories is better).
struct Axis {
  std::vector<double> mass;
  std::vector<size_t> of_trial;
};

// From 0 for the best to 1 for the worst that is tolerated, so that no square overflows.
std::vector<double> Bounded(std::span<const double> values) {
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  std::ranges::sort(finite);
  const double best = finite.front(), median = finite[finite.size() / 2];
  const double bound = std::min(finite.back(), median + kTolerated * (median - best));
  const double half_width = bound / 2 - best / 2;
  std::vector<double> bounded(values.begin(), values.end());
  for (double& v : bounded) v = half_width > 0 ? (std::min(v, bound) / 2 - best / 2) / half_width : 0;
  return bounded;
}

Axis OrderedAxis(const ParameterCells& cells, std::span<const double> values) {
  Axis axis = {.mass = cells.mass, .of_trial = cells.of_trial};
  if (!cells.is_category) return axis;
  const size_t count = cells.mass.size();
  std::vector<double> sums(count), numbers(count);
  for (size_t trial = 0; trial < values.size(); ++trial) {
    sums[cells.of_trial[trial]] += values[trial];
    numbers[cells.of_trial[trial]] += 1;
  }
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {},
                           [&](size_t cell) { return numbers[cell] > 0 ? sums[cell] / numbers[cell] : mean; });
  std::vector<size_t> place(count);
  for (size_t i = 0; i < count; ++i) {
    place[order[i]] = i;
    axis.mass[i] = cells.mass[order[i]];
  }
  for (size_t& cell : axis.of_trial) cell = place[cell];
  return axis;
}

// One regression tree over a bootstrap sample (Breiman 2001), grown until no node can be split.
class Tree {
 public:
  Tree(std::span<const Axis> axes, std::span<const double> values, Random random)
      : axes_(axes), values_(values), random_(random) {
    std::vector<size_t> sample(values.size());
    for (size_t& trial : sample) trial = random_.Below(values.size());
    Leaf root;
    for (const Axis& axis : axes) root.ranges.push_back({0, axis.mass.size()});
    Grow(sample, std::move(root));
  }
  const std::vector<Leaf>& leaves() const { return leaves_; }

 private:
  struct Split {
    size_t parameter = 0;
    size_t at = 0;  // cells below go left
    double gain = 0;
  };

  void Grow(std::span<size_t> sample, Leaf node) {
    const Split split = BestSplit(sample, node);
    if (split.gain <= 0) {
      for (const size_t trial : sample) node.value += values_[trial] / static_cast<double>(sample.size());
      leaves_.push_back(std::move(node));
      return;
    }
    const std::vector<size_t>& cells = axes_[split.parameter].of_trial;
    const auto right =
        std::partition(sample.begin(), sample.end(), [&](size_t trial) { return cells[trial] < split.at; });
    const auto left_size = static_cast<size_t>(right - sample.begin());
    Leaf other = node;
    node.ranges[split.parameter].upper = split.at;
    other.ranges[split.parameter].lower = split.at;
    Grow(sample.first(left_size), std::move(node));
    Grow(sample.subspan(left_size), std::move(other));
  }

  // The greatest fall of the sum of squares, among five of six parameters; the others sit out unless those have none.
  Split BestSplit(std::span<const size_t> sample, const Leaf& node) {
    Split best;
    if (sample.size() < 2 * kFewestInLeaf) return best;
    double total = 0;
    for (const size_t trial : sample) total += values_[trial];
    std::vector<size_t> sitting_out;
    for (size_t parameter = 0; parameter < axes_.size(); ++parameter) {
      if (random_.Below(6) == 0) {
        sitting_out.push_back(parameter);
      } else {
        Consider(parameter, node.ranges[parameter], sample, total, best);
      }
    }
    if (best.gain > 0) return best;
    for (const size_t parameter : sitting_out) Consider(parameter, node.ranges[parameter], sample, total, best);
    return best;
  }

  void Consider(size_t parameter, Range range, std::span<const size_t> sample, double total, Split& best) {
    sums_.assign(range.upper - range.lower, {0, 0});
    for (const size_t trial : sample) {
      auto& [sum, number] = sums_[axes_[parameter].of_trial[trial] - range.lower];
      sum += values_[trial];
      ++number;
    }
    const auto n = static_cast<double>(sample.size());
    double left = 0;
    size_t count = 0;
    for (size_t i = 0; i + 1 < sums_.size(); ++i) {
      left += sums_[i].first;
      count += sums_[i].second;
      if (count < kFewestInLeaf || sample.size() - count < kFewestInLeaf) continue;
      const auto k = static_cast<double>(count);
      const double gain = left * left / k + (total - left) * (total - left) / (n - k) - total * total / n;
      if (gain > best.gain + 1e-12 * std::abs(total * total / n)) best = {parameter, range.lower + i + 1, gain};
    }
  }

  std::span<const Axis> axes_;
  std::span<const double> values_;
  Random random_;
  std::vector<std::pair<double, size_t>> sums_;  // of a node: sum and number by cell
  std::vector<Leaf> leaves_;
};

double MassOf(const Axis& axis, Range range) {
  const auto first = axis.mass.begin() + static_cast<std::ptrdiff_t>(range.lower);
  return std::accumulate(first, first + static_cast<std::ptrdiff_t>(range.upper - range.lower), 0.0);
}

// Adds to `importance` what each parameter explains of this tree's variance.
void AddShares(std::span<const Axis> axes, const std::vector<Leaf>& leaves, std::vector<double>& importance) {
  double mean = 0, variance = 0;
  std::vector<std::vector<double>> marginals;  // by parameter and cell: the mean prediction there
  for (const Axis& axis : axes) marginals.emplace_back(axis.mass.size());
  std::vector<double> masses(axes.size());
  for (const Leaf& leaf : leaves) {
    for (size_t p = 0; p < axes.size(); ++p) masses[p] = MassOf(axes[p], leaf.ranges[p]);
    for (size_t p = 0; p < axes.size(); ++p) {
      double others = leaf.value;
      for (size_t q = 0; q < axes.size(); ++q) others *= q == p ? 1 : masses[q];
      for (size_t c = leaf.ranges[p].lower; c < leaf.ranges[p].upper; ++c) marginals[p][c] += others;
    }
    const double volume = std::accumulate(masses.begin(), masses.end(), 1.0, std::multiplies<>());
    mean += volume * leaf.value;
    variance += volume * leaf.value * leaf.value;
  }
  variance -= mean * mean;
  if (variance <= 1e-12 * mean * mean) return;
  for (size_t p = 0; p < axes.size(); ++p) {
    double explained = 0;
    for (size_t c = 0; c < axes[p].mass.size(); ++c) {
      explained += axes[p].mass[c] * (marginals[p][c] - mean) * (marginals[p][c] - mean);
    }
    importance[p] += std::clamp(explained / variance, 0.0, 1.0) / static_cast<double>(kTrees);
  }
}

}  // namespace

std::vector<double> Fanova(std::span<const ParameterCells> parameters, std::span<const double> values, uint64_t seed) {
  const std::vector<double> bounded = Bounded(values);
  std::vector<Axis> axes;
  for (const ParameterCells& cells : parameters) axes.push_back(OrderedAxis(cells, bounded));
  std::vector<double> importance(parameters.size());
  for (uint64_t number = 0; number < kTrees; ++number) {
    const Tree tree(axes, bounded, Random({seed, kStream, number}));
    AddShares(axes, tree.leaves(), importance);
  }
  return importance;
}

}  // namespace athanor
