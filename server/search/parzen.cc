#include "server/search/parzen.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "server/search/normal.h"

namespace athanor {
namespace {

// Cells at most this wide, in bandwidths, are not integrated: the midpoint rule is then off by less than 1.1 %.
constexpr double kNarrow = 0.5;

double MassInside(double centre, double bandwidth) {
  return NormalBetween(-centre / bandwidth, (1 - centre) / bandwidth);
}

double SpreadWithPrior(std::span<const WeightedPoint> points, size_t coordinate) {
  double weight = 0, sum = 0, squares = 0;
  for (const WeightedPoint& seen : points) {
    weight += seen.weight;
    sum += seen.weight * seen.point[coordinate];
  }
  const double mean = weight > 0 ? sum / weight : 0;
  for (const WeightedPoint& seen : points) {
    const double from_mean = seen.point[coordinate] - mean;
    squares += seen.weight * from_mean * from_mean;
  }
  return std::sqrt((squares + 1.0 / 12) / (weight + 1));
}

}  // namespace

ParzenEstimator::ParzenEstimator(const Encoding& encoding, std::vector<size_t> coordinates,
                                 std::span<const WeightedPoint> points)
    : encoding_(encoding) {
  double weight = 0, squares = 0;
  for (const WeightedPoint& seen : points) {
    weights_.push_back(seen.weight);
    weight += seen.weight;
    squares += seen.weight * seen.weight;
  }
  total_weight_ = weight + 1;
  for (const double own : weights_) log_weights_.push_back(std::log(own / total_weight_));
  const double effective = points.empty() ? 1 : weight * weight / squares;
  const double shrinkage = std::pow(effective, -1 / (static_cast<double>(coordinates.size()) + 4));
  for (const size_t coordinate : coordinates) factors_.push_back(MakeFactor(coordinate, points, shrinkage));
}

ParzenEstimator::Factor ParzenEstimator::MakeFactor(size_t coordinate, std::span<const WeightedPoint> points,
                                                    double shrinkage) {
  const Encoding::Dimension& dimension = encoding_.dimension(coordinate);
  Factor factor;
  factor.coordinate = coordinate;
  factor.kind = dimension.kind;
  for (const WeightedPoint& seen : points) factor.centres.push_back(seen.point[coordinate]);
  if (factor.kind == Encoding::Kind::kCategory) {
    const auto count = static_cast<double>(dimension.count);
    factor.bandwidth = (count - 1) / count * shrinkage / 2;
    TabulateCategories(factor);
    return factor;
  }
  factor.bandwidth = std::max(1.06 * SpreadWithPrior(points, coordinate) * shrinkage, kMinBandwidth);
  for (const double centre : factor.centres) {
    factor.log_peaks.push_back(
        -std::log(factor.bandwidth * std::sqrt(2 * std::numbers::pi) * MassInside(centre, factor.bandwidth)));
  }
  if (factor.kind == Encoding::Kind::kGrid) TabulateWideCells(factor);
  return factor;
}

void ParzenEstimator::TabulateCategories(Factor& factor) const {
  const int64_t count = encoding_.dimension(factor.coordinate).count;
  const double same = 1 - factor.bandwidth;
  const double other = count > 1 ? factor.bandwidth / static_cast<double>(count - 1) : 1;
  for (int64_t value = 0; value < count; ++value) {
    std::vector<double>& log_relative = factor.by_value.emplace_back();
    for (int64_t own = 0; own < count; ++own) {
      log_relative.push_back(std::log((own == value ? same : other) * static_cast<double>(count)));
    }
  }
  for (const double centre : factor.centres) factor.rows.push_back(static_cast<uint32_t>(centre));
}

void ParzenEstimator::TabulateWideCells(Factor& factor) const {
  std::vector<double> centres = factor.centres;
  std::ranges::sort(centres);
  centres.erase(std::unique(centres.begin(), centres.end()), centres.end());
  for (const double centre : factor.centres) {
    factor.rows.push_back(static_cast<uint32_t>(std::ranges::lower_bound(centres, centre) - centres.begin()));
  }
  // Cells never grow along a scale, so the wide ones come first.
  std::vector<Encoding::Cell> wide;
  for (int64_t k = 0; k < encoding_.dimension(factor.coordinate).count; ++k) {
    wide.push_back(encoding_.CellAt(factor.coordinate, k));
    if (wide.back().upper - wide.back().lower > kNarrow * factor.bandwidth) continue;
    wide.pop_back();
    break;
  }
  factor.by_value.assign(wide.size(), std::vector<double>(centres.size()));
  for (size_t row = 0; row < centres.size(); ++row) {
    const double inside = MassInside(centres[row], factor.bandwidth);
    for (size_t k = 0; k < wide.size(); ++k) {
      const double mass = NormalBetween((wide[k].lower - centres[row]) / factor.bandwidth,
                                        (wide[k].upper - centres[row]) / factor.bandwidth);
      factor.by_value[k][row] = std::log(mass / (inside * (wide[k].upper - wide[k].lower)));
    }
  }
}

double ParzenEstimator::LogDensity(const Encoding::Point& point) const {
  std::vector<double> log_kernels = log_weights_;
  for (const Factor& factor : factors_) AddLogKernels(factor, point[factor.coordinate], log_kernels);
  double density = 1 / total_weight_;
  for (const double log_kernel : log_kernels) density += std::exp(log_kernel);
  return std::log(density);
}

void ParzenEstimator::AddLogKernels(const Factor& factor, double x, std::vector<double>& log_kernels) const {
  size_t value = factor.by_value.size();  // past the table
  if (factor.kind == Encoding::Kind::kCategory) {
    value = static_cast<size_t>(x);
  } else if (!factor.by_value.empty()) {
    value = static_cast<size_t>(encoding_.CellOf(factor.coordinate, x).index);
  }
  if (value < factor.by_value.size()) {
    const std::vector<double>& log_relative = factor.by_value[value];
    for (size_t k = 0; k < log_kernels.size(); ++k) log_kernels[k] += log_relative[factor.rows[k]];
    return;
  }
  const double scale = 1 / factor.bandwidth;
  for (size_t k = 0; k < log_kernels.size(); ++k) {
    const double z = (x - factor.centres[k]) * scale;
    log_kernels[k] += factor.log_peaks[k] - 0.5 * z * z;
  }
}

void ParzenEstimator::Sample(Random& random, Encoding::Point& point) const {
  double left = random.Uniform() * total_weight_;
  size_t kernel = 0;
  while (kernel < weights_.size() && left >= weights_[kernel]) left -= weights_[kernel++];
  for (const Factor& factor : factors_) {
    double& x = point[factor.coordinate];
    if (!std::isnan(x)) continue;
    x = kernel < weights_.size() ? SampleKernel(random, factor, factor.centres[kernel]) : SamplePrior(random, factor);
    if (factor.kind == Encoding::Kind::kGrid) x = encoding_.CellOf(factor.coordinate, x).centre();
  }
}

double ParzenEstimator::SampleKernel(Random& random, const Factor& factor, double centre) const {
  if (factor.kind == Encoding::Kind::kCategory) {
    const int64_t count = encoding_.dimension(factor.coordinate).count;
    if (count == 1 || random.Uniform() >= factor.bandwidth) return centre;
    const auto other = static_cast<double>(random.Below(static_cast<uint64_t>(count - 1)));
    return other < centre ? other : other + 1;
  }
  // Almost half of every kernel lies inside, because no bandwidth exceeds 1.06 / 2: few draws are lost.
  for (;;) {
    const double x = centre + factor.bandwidth * random.Normal();
    if (x >= 0 && x <= 1) return x;
  }
}

double ParzenEstimator::SamplePrior(Random& random, const Factor& factor) const {
  if (factor.kind != Encoding::Kind::kCategory) return random.Uniform();
  return static_cast<double>(random.Below(static_cast<uint64_t>(encoding_.dimension(factor.coordinate).count)));
}

}  // namespace athanor
