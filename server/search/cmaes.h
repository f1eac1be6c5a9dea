// CMA-ES with margin (Hansen 2016, arXiv:1604.00772; Hamano et al. 2022, arXiv:2205.13482): for many trials over
// numbers.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "server/search/cmaes_state.h"
#include "server/search/encoding.h"
#include "server/search/search_method.h"
#include "server/search/taken.h"

namespace athanor {

// Floats, ints and steps, on linear or logarithmic scales, each a coordinate of the unit cube; no categories and no
// conditional parameters.
//
// The distribution is not stored: it is rebuilt from the results that Observe finds (observations.h), in the order of
// their trials' numbers, a generation of population() at a time; the rest waits for its generation to be full. So
// workers need not wait for each other, trials that were enqueued count too, and a trial that ends late takes its place
// among its neighbours. Every suggestion is a draw from the distribution as it is, with a stream of its own. It starts
// at the centre, or, with trials of earlier studies, at the mean of those that were among the best kGoodShare there.
//
// With rungs it learns from one rung, and starts anew when that becomes a higher one: it is at its best without.
//
// With `fixed`, the given values stand, and the others are drawn as if they had been too.
//
// A pure function of (seed, index, fixed, view); thread-safe. Rebuilding costs O(results * parameters^2) and a
// decomposition, O(parameters^3), a generation: about 10 ms for 5,000 results in 10 dimensions; states on the way are
// remembered by what led to them, so that a suggestion usually continues from one, and costs O(results * parameters)
// for finding it, 0.5 us each in 10 dimensions.
class CmaesSearch final : public SearchMethod {
 public:
  static constexpr double kGoodShare = 0.1;
  static constexpr size_t kMaxParameters = 200;

  // `space` must outlive it. INVALID_ARGUMENT naming search.method where a parameter is categorical or conditional, and
  // above kMaxParameters or without any.
  static absl::StatusOr<std::unique_ptr<CmaesSearch>> Create(const SearchSpace& space, uint64_t seed);

  std::string_view name() const override { return "cmaes"; }
  bool IsSlow() const override { return true; }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override {
    return Prepare(view, index, fixed)();
  }
  Work Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const override;

 private:
  // A state, and the number of tried points that led to it. Known by a fingerprint of the start and these points, so
  // that the same inputs give the same answer whether or not it is remembered.
  struct Remembered {
    uint64_t fingerprint = 0;
    size_t tried = 0;
    CmaesState state;
  };
  static constexpr size_t kRemembered = 16;

  CmaesSearch(const SearchSpace& space, uint64_t seed) : space_(space), encoding_(space), seed_(seed) {}

  Encoding::Point StartOf(const SearchView& view) const;
  CmaesState StateAfter(const Encoding::Point& start, const std::vector<TriedPoint>& tried) const;
  // The furthest remembered state on the way through `fingerprints` (by number of points); nullopt if none.
  std::optional<Remembered> Recall(const std::vector<uint64_t>& fingerprints) const;
  void Remember(Remembered remembered) const;
  Configuration Draw(const CmaesState& state, Random& random, const Configuration& fixed) const;

  const SearchSpace& space_;
  const Encoding encoding_;
  const uint64_t seed_;
  mutable Mutex mutex_;
  mutable std::deque<Remembered> remembered_ ATHANOR_GUARDED_BY(mutex_);  // the newest kRemembered, oldest first
};

}  // namespace athanor
