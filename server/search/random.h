// Random search (Bergstra and Bengio 2012, Journal of Machine Learning Research 13, section 2), without repetition
// where the space is finite.
#pragma once

#include <memory>

#include "server/search/search_method.h"

namespace athanor {

// In an infinite space each parameter draws from a stream of its own, keyed by (seed, its name, index): adding a
// parameter or enqueuing a trial shifts no other value. On a linear scale all values are equally likely; on a log scale
// the logarithm is uniform, for ints and floats with a step over [min, last + step) and rounded down to a value, so
// that each gets the share of its interval.
//
// A space of at most 2^62 configurations is finite: suggestion `index` is then one configuration of a seeded
// permutation of all of them, each equally likely whatever its scales, and none twice until all were used; every
// further pass has a permutation of its own.
//
// With `fixed`, the given values stand, and every other parameter has what it would have had; where that would leave a
// given value inactive, or the given values make it active, it is drawn from its stream.
//
// Pure; thread-safe; a suggestion costs O(parameters).
class RandomSearch final : public SearchMethod {
 public:
  // `space` must outlive it.
  RandomSearch(const SearchSpace& space, uint64_t seed);

  std::string_view name() const override { return "random"; }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override;

 private:
  const SearchSpace& space_;
  uint64_t seed_;
  std::optional<int64_t> count_;             // configurations of a finite space
  std::vector<uint64_t> parameter_streams_;  // by parameter
};

}  // namespace athanor
