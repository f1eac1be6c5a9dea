// From what a study has seen to what a Gaussian process learns: which trials, on which scale.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "server/search/encoding.h"
#include "server/search/gaussian_process.h"
#include "server/search/gp_features.h"

namespace athanor {

// Owned copies, encoded.
struct GpObservations {
  std::vector<Encoding::Point> points;  // with a result, best first; one at least is finite
  std::vector<double> values;           // oriented; +inf where not finite
  std::vector<Encoding::Point> prior;   // of earlier studies
  std::vector<double> scores;           // PriorTrial::score of each
  std::vector<Encoding::Point> pending;
};

// Values of zero mean and unit variance in the same order, smaller still better. Every +inf becomes the worst finite
// value. On the way v becomes log(1 + (v - best) / (median - best)): a model of the good region must not bend to how
// bad the bad ones are, and near the best nothing changes but the unit. Equal values all become 0. `values`: at least
// one finite.
std::vector<double> StandardiseResults(std::span<const double> values);

// Results, standardised, then prior trials: each has the normal quantile of its score, kept in [0.02, 0.98], as its
// value, and extra noise of variance kPriorNoise, because another study only resembles this one.
inline constexpr double kPriorNoise = 0.25;
GaussianProcessData LearnFrom(const GpObservations& observations, const GpFeatures& features);

// The kernel parameters and the posterior. Parameters are fitted to kFitRows rows at most, half of them the first and
// the others evenly spread over the rest, with kFitEvaluations likelihoods: they cost O(rows^3) each.
inline constexpr size_t kFitRows = 100;
inline constexpr int kFitEvaluations = 20;
GaussianProcess FitModel(GaussianProcessData data);

}  // namespace athanor
