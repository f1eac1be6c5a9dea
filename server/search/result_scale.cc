#include "server/search/result_scale.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "server/search/normal.h"

namespace athanor {
namespace {

constexpr double kFarthest = 1e300;  // of a value from the best, in distances of the median

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : std::midpoint(values[half - 1], values[half]);
}

// `values` are finite in the following.
std::vector<double> Distances(std::span<const double> values, double median) {
  const double best = std::ranges::min(values);
  // Halves, because the distance between two values may overflow.
  const double unit = median > best ? median / 2 - best / 2 : 0.5;
  std::vector<double> distances;
  for (const double value : values) {
    distances.push_back(std::log1p(std::min((value / 2 - best / 2) / unit, kFarthest)));
  }
  return distances;
}

std::vector<double> NormalScores(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  std::vector<double> scores;
  for (const double value : values) {
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), value);
    const auto better = static_cast<double>(first - sorted.begin());
    const double share = (better + static_cast<double>(last - first) / 2) / static_cast<double>(values.size());
    scores.push_back(NormalQuantile(share));
  }
  return scores;
}

void Standardise(std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) squares += (v - mean) * (v - mean) / n;
  const double deviation = std::sqrt(squares);
  for (double& v : values) v = deviation > 0 ? (v - mean) / deviation : 0;
}

}  // namespace

std::vector<double> StandardiseResults(std::span<const double> values, ResultScale scale) {
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  const double worst = std::ranges::max(finite);
  std::vector<double> capped(values.begin(), values.end());
  for (double& value : capped) value = std::min(value, worst);
  std::vector<double> scaled =
      scale == ResultScale::kRanks ? NormalScores(capped) : Distances(capped, Median(std::move(finite)));
  Standardise(scaled);
  return scaled;
}

double RankedProbabilityScore(std::span<const double> values, std::span<const Prediction> predictions) {
  const size_t n = values.size();
  if (n < 2) return 0;
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto& [mean, variance] = predictions[i];
    const double deviation = std::sqrt(variance);
    for (size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const double error = NormalBelow((values[j] - mean) / deviation) - (values[i] <= values[j] ? 1 : 0);
      sum += error * error;
    }
  }
  return sum / static_cast<double>(n * (n - 1));
}

}  // namespace athanor
