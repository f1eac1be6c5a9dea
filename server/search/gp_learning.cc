#include "server/search/gp_learning.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "server/search/normal.h"

namespace athanor {
namespace {

constexpr double kLeastScore = 0.02;

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

// A model before its posterior, and how well it foresees.
struct Fitted {
  GaussianProcessData data;
  KernelParameters parameters;
  double score = 0;  // RankedProbabilityScore
};

// The first `results` rows of the data are results.
Fitted Fit(GaussianProcessData data, size_t results) {
  const std::vector<size_t> chosen = RowsToFit(data.size());
  GaussianProcessData rows = Rows(data, chosen);
  const auto seen = static_cast<size_t>(std::ranges::count_if(chosen, [&](size_t row) { return row < results; }));
  KernelParameters parameters = FitKernel(rows, kFitEvaluations);
  const std::vector<double> values(rows.values.begin(), rows.values.begin() + static_cast<std::ptrdiff_t>(seen));
  const std::vector<Prediction> predictions = GaussianProcess(std::move(rows), parameters).LeaveOneOut();
  return {.data = std::move(data),
          .parameters = std::move(parameters),
          .score = RankedProbabilityScore(values, std::span(predictions).first(seen))};
}

}  // namespace

GaussianProcessData LearnFrom(const GpObservations& observations, const GpFeatures& features, ResultScale scale) {
  GaussianProcessData data = {.parameter_of = {features.parameter_of().begin(), features.parameter_of().end()}};
  data.parameters = data.parameter_of.empty() ? 0 : data.parameter_of.back() + 1;
  if (!observations.values.empty()) data.values = StandardiseResults(observations.values, scale);
  data.extra_noise.assign(data.values.size(), 0);
  for (const Encoding::Point& point : observations.points) features.Append(point, data.points);
  for (size_t i = 0; i < observations.prior.size(); ++i) {
    features.Append(observations.prior[i], data.points);
    data.values.push_back(NormalQuantile(std::clamp(observations.scores[i], kLeastScore, 1 - kLeastScore)));
    data.extra_noise.push_back(kPriorNoise);
  }
  return data;
}

GaussianProcess FitModel(const GpObservations& observations, const GpFeatures& features,
                         std::span<const ResultScale> scales) {
  const auto fit = [&](ResultScale scale) {
    return Fit(LearnFrom(observations, features, scale), observations.values.size());
  };
  Fitted best = fit(scales.front());
  for (const ResultScale scale : scales.subspan(1)) {
    if (Fitted other = fit(scale); other.score < best.score) best = std::move(other);
  }
  return {std::move(best.data), std::move(best.parameters)};
}

}  // namespace athanor
