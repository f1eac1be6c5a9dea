// How much each parameter of a study matters for its objective.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/core/search_space.h"

namespace athanor {

struct ScoredConfiguration {
  Configuration configuration;
  double value = 0;  // oriented: smaller is better, non-finite is +inf
};

enum class ImportanceMethod { kPedAnova, kFanova };

// Fewer tell nothing.
inline constexpr size_t kFewestForImportance = 4;

// By parameter, in the order of the space, each in [0, 1]. Numbers are compared on their own scale; a parameter that is
// inactive counts as having a value of its own. All 0 where every value is equal. At least kFewestForImportance trials
// of which one is finite.
//
// kPedAnova: what sets the best trials apart (Watanabe, Bansal and Hutter 2023, arXiv:2304.10255). With p the density
// of a parameter over all trials and p' that over the best tenth (at least 4), the Pearson divergence
//   integral of (p'(x) / p(x) - 1)^2 p(x) dx
// (equation 8 with gamma = 1, gamma' = 0.1), less what it would be on average for as many trials drawn at random, so
// that few trials do not make every parameter look important. Shares: the sum is 1, or 0 if nothing stands out.
// Densities of numbers are Gaussian kernel estimates with Scott's bandwidth for the best trials, over 32 cells; of
// categories, frequencies. O(trials * parameters).
//
// kFanova: the share of the variance that each parameter explains by itself (Hutter, Hoos and Leyton-Brown 2014,
// section 3): a forest of 64 regression trees, and in each the variance of the mean prediction at a value of the
// parameter, all others averaged out over the space, divided by the variance of the prediction; the mean of the trees.
// The sum is at most 1; what lacks belongs to interactions. Values worse than median + 2 (median - best) count as that.
// O(trees * trials log(trials) * parameters), about 0.2 s for 2,000 trials and 10 parameters.
//
// Pure: the forest's randomness is fixed by `seed`.
std::vector<double> ParameterImportance(const SearchSpace& space, std::span<const ScoredConfiguration> trials,
                                        ImportanceMethod method, uint64_t seed);

}  // namespace athanor
