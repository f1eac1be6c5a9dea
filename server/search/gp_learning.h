// From what a study has seen to what a Gaussian process learns: which trials, on which scale, and the model of it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "server/search/encoding.h"
#include "server/search/gaussian_process.h"
#include "server/search/gp_features.h"
#include "server/search/result_scale.h"

namespace athanor {

// Owned copies, encoded.
struct GpObservations {
  std::vector<Encoding::Point> points;  // with a result, best first; one at least is finite
  std::vector<double> values;           // oriented; +inf where not finite
  std::vector<Encoding::Point> prior;   // of earlier studies
  std::vector<double> scores;           // PriorTrial::score of each
  std::vector<Encoding::Point> pending;
};

// Results, standardised on `scale`, then prior trials: each has the normal quantile of its score, kept in [0.02, 0.98],
// as its value, and extra noise of variance kPriorNoise, because another study only resembles this one.
inline constexpr double kPriorNoise = 0.25;
GaussianProcessData LearnFrom(const GpObservations& observations, const GpFeatures& features, ResultScale scale);

// The model on that of `scales`, one at least, on which it foresees best: that of the smallest ranked probability score
// of the results that its parameters were fitted to, each left out in turn; the first of equal ones. Parameters are
// fitted to kFitRows rows at most, half of them the first and the others evenly spread over the rest, with
// kFitEvaluations likelihoods: they cost O(rows^3) each, for every scale.
inline constexpr size_t kFitRows = 100;
inline constexpr int kFitEvaluations = 20;
GaussianProcess FitModel(const GpObservations& observations, const GpFeatures& features,
                         std::span<const ResultScale> scales);

}  // namespace athanor
