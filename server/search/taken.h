// Which configurations a study has used up, and one that it has not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_set>

#include "base/random.h"
#include "server/core/search_space.h"
#include "server/core/trial.h"

namespace athanor {

// The configurations of a study's trials, in whatever state, as 64-bit fingerprints: a collision (once in 10^11 studies
// of 10,000 trials) makes a fresh configuration count as taken, and nothing else. Owns what it looks at.
class TakenConfigurations {
 public:
  TakenConfigurations() = default;
  // O(trials * parameters), about 100 ns a trial; O(parameters) and empty where a completion of `fixed` always draws a
  // continuous float, because then none ever comes twice.
  TakenConfigurations(const SearchSpace& space, std::span<const Trial> trials, const Configuration& fixed);

  bool Contains(const Configuration& configuration) const;
  void Insert(const PackedConfiguration& configuration);

 private:
  std::unordered_set<uint64_t> fingerprints_;
};

// A completion of `fixed` (as in SearchMethod::Suggest) that is not taken; nullopt if all are. Visits the values of
// every parameter in turn, each from a random one on, and draws continuous floats. O(taken * parameters) at worst.
std::optional<Configuration> FindUntaken(const SearchSpace& space, const Configuration& fixed,
                                         const TakenConfigurations& taken, Random& random);

// `wanted` unless it is taken; else one that is not; `wanted` after all if all are.
Configuration UntakenOr(Configuration wanted, const SearchSpace& space, const Configuration& fixed,
                        const TakenConfigurations& taken, Random& random);

}  // namespace athanor
