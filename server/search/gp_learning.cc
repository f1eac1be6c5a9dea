#include "server/search/gp_learning.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "server/search/normal.h"

namespace athanor {
namespace {

constexpr double kLeastScore = 0.02;
constexpr double kFarthest = 1e300;  // of a value from the best, in distances of the median

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : std::midpoint(values[half - 1], values[half]);
}

GaussianProcessData Rows(const GaussianProcessData& data, const std::vector<size_t>& chosen) {
  GaussianProcessData rows = {.parameter_of = data.parameter_of, .parameters = data.parameters};
  const auto d = static_cast<std::ptrdiff_t>(data.coordinates());
  for (const size_t row : chosen) {
    const auto first = data.points.begin() + static_cast<std::ptrdiff_t>(row) * d;
    rows.points.insert(rows.points.end(), first, first + d);
    rows.values.push_back(data.values[row]);
    rows.extra_noise.push_back(data.extra_noise[row]);
  }
  return rows;
}

std::vector<size_t> RowsToFit(size_t size) {
  std::vector<size_t> rows;
  if (size <= kFitRows) {
    rows.resize(size);
    std::iota(rows.begin(), rows.end(), size_t{0});
    return rows;
  }
  constexpr size_t kHalf = kFitRows / 2;
  for (size_t i = 0; i < kHalf; ++i) rows.push_back(i);
  for (size_t i = 0; i < kHalf; ++i) rows.push_back(kHalf + i * (size - kHalf) / kHalf);
  return rows;
}

}  // namespace

std::vector<double> StandardiseResults(std::span<const double> values) {
  std::vector<double> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  const auto [best, worst] = std::ranges::minmax(finite);
  const double median = Median(std::move(finite));
  // Halves, because the distance between two values may overflow.
  const double unit = median > best ? median / 2 - best / 2 : 0.5;
  std::vector<double> standardised(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double distance = (std::min(values[i], worst) / 2 - best / 2) / unit;
    standardised[i] = std::log1p(std::min(distance, kFarthest));
  }
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double v : standardised) mean += v / n;
  for (const double v : standardised) squares += (v - mean) * (v - mean) / n;
  const double deviation = std::sqrt(squares);
  for (double& v : standardised) v = deviation > 0 ? (v - mean) / deviation : 0;
  return standardised;
}

GaussianProcessData LearnFrom(const GpObservations& observations, const GpFeatures& features) {
  GaussianProcessData data = {.parameter_of = {features.parameter_of().begin(), features.parameter_of().end()}};
  data.parameters = data.parameter_of.empty() ? 0 : data.parameter_of.back() + 1;
  if (!observations.values.empty()) data.values = StandardiseResults(observations.values);
  data.extra_noise.assign(data.values.size(), 0);
  for (const Encoding::Point& point : observations.points) features.Append(point, data.points);
  for (size_t i = 0; i < observations.prior.size(); ++i) {
    features.Append(observations.prior[i], data.points);
    data.values.push_back(NormalQuantile(std::clamp(observations.scores[i], kLeastScore, 1 - kLeastScore)));
    data.extra_noise.push_back(kPriorNoise);
  }
  return data;
}

GaussianProcess FitModel(GaussianProcessData data) {
  KernelParameters parameters = FitKernel(Rows(data, RowsToFit(data.size())), kFitEvaluations);
  return {std::move(data), std::move(parameters)};
}

}  // namespace athanor
