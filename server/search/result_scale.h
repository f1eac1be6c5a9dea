// The scales on which a Gaussian process may see the results of a study, and how well a model on one of them foresees
// their order.
#pragma once

#include <span>
#include <vector>

#include "server/search/gaussian_process.h"

namespace athanor {

// kDistances keeps the shape of the good region, which is what leads to the bottom of a smooth valley:
// log(1 + (v - best) / (median - best)), the median that of the finite values, so that a model of the good region need
// not bend to how bad the bad ones are. Near the best nothing changes but the unit.
//
// kRanks keeps the order alone: the normal quantile of (rank - 1/2) / n, equal values at their mean rank, a Gaussian
// copula (Salinas, Shen and Perrone 2020, arXiv:1909.13595). What is left where most results lie on a
// plateau or diverge: on the other scale a few losses of 1e9 would make all that matters one single value.
enum class ResultScale { kDistances, kRanks };

// Values of zero mean and unit variance in the same order, smaller still better. Every +inf becomes the worst finite
// value first. Equal values all become 0. `values`: oriented; at least one finite.
std::vector<double> StandardiseResults(std::span<const double> values, ResultScale scale);

// How wrong it is to believe of every value that it comes from the predicted distribution, when asked which of the
// other values it is no worse than: the mean over pairs i != j of (P(Y_i <= y_j) - [y_i <= y_j])^2, the ranked
// probability score (Gneiting and Raftery 2007, section 4.2) with the other values as thresholds. In [0, 1]; less is
// better, even chances throughout score 1/4; 0 for fewer than two values. Only the order of values is asked for, which
// all scales share, so that models on different scales compare. O(n^2). `predictions`: of each value, on its scale,
// without having seen it.
double RankedProbabilityScore(std::span<const double> values, std::span<const Prediction> predictions);

}  // namespace athanor
