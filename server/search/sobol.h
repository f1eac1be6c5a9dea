// Quasi-random search: configurations from a scrambled Sobol sequence, which leaves smaller gaps than random search
// (Bergstra and Bengio 2012, section 4) and holds few configurations in balance.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "server/search/search_method.h"
#include "server/search/sobol_sequence.h"

namespace athanor {

// Every parameter has a dimension of its own, in declared order, active or not: of n = 2^k configurations each of v
// equally likely values appears floor(n / v) or ceil(n / v) times, give or take one, for ints and categories too.
// Nothing is skipped.
//
// In a finite space no configuration is suggested twice until all were: a point whose configuration was suggested
// before is left out; after kMisses such points in a row, the rest comes in seeded random order. Every further pass
// over the space is scrambled anew.
//
// With `fixed`, the given values stand, and every other parameter has the value of its own dimension.
//
// A pure function of (seed, index, fixed); thread-safe. O(parameters), about 0.3 us each; in a finite space the
// suggestions of the pass are kept once computed, and asking for a late index first costs that of all before it.
class SobolSearch final : public SearchMethod {
 public:
  static constexpr int kMisses = 64;

  // `space` must outlive it. INVALID_ARGUMENT naming search.method if there are more than 3667 parameters.
  static absl::StatusOr<std::unique_ptr<SobolSearch>> Create(const SearchSpace& space, uint64_t seed);

  std::string_view name() const override { return "sobol"; }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override;

 private:
  // The suggestions of one pass over a finite space, as far as they were asked for.
  struct Pass {
    uint64_t number = 0;
    std::vector<Configuration> suggested;
    std::set<Configuration> taken;
    int64_t next_point = 0;
    int64_t next_rest = 0;
  };
  SobolSearch(const SearchSpace& space, SobolSequence sequence, uint64_t seed);

  Value Choose(size_t parameter, int64_t point, uint64_t pass) const;
  Configuration AtPoint(int64_t point, uint64_t pass) const;
  Configuration WithoutRepeats(int64_t index) const;
  void Extend(Pass& pass) const;

  const SearchSpace& space_;
  const SobolSequence sequence_;
  const uint64_t seed_;
  std::optional<int64_t> count_;  // configurations of a finite space
  mutable Mutex mutex_;
  mutable Pass pass_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace athanor
