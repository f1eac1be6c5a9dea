// Where a Gaussian process promises most: the configuration of greatest log expected improvement.
#pragma once

#include <cstdint>
#include <span>

#include "server/core/search_space.h"
#include "server/search/encoding.h"
#include "server/search/gaussian_process.h"
#include "server/search/gp_features.h"
#include "server/search/taken.h"

namespace athanor {

// What the search for it depends on; all of it outlives the call.
struct GpProposalInputs {
  const GaussianProcess& model;
  double best;  // what is to be improved on, in the model's units
  const Encoding& encoding;
  const GpFeatures& features;
  const TakenConfigurations& taken;
  std::span<const Encoding::Point> leaders;  // the best configurations so far
  const Configuration& fixed;                // values that must stand, as in SearchMethod::Suggest
  uint64_t seed;
};

// The best configuration found that is not taken; nullopt if every one met is. Always passes SearchSpace::Check.
//
// Scores 256 quasi-random configurations and 128 near the leaders; from the best four follows the gradient over the
// numbers, then rounds them onto their grids; last, changes one category or moves one number on a grid at a time as
// long as that helps. About 500 predictions and 80 gradients. Deterministic.
std::optional<Configuration> ProposeByExpectedImprovement(const GpProposalInputs& inputs);

}  // namespace athanor
