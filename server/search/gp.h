// Bayesian optimisation with a Gaussian process (Snoek, Larochelle and Adams 2012, arXiv:1206.2944): the next
// configuration is the one of greatest expected improvement over the best so far.
#pragma once

#include <memory>

#include "server/search/encoding.h"
#include "server/search/gp_features.h"
#include "server/search/observations.h"
#include "server/search/random.h"
#include "server/search/search_method.h"
#include "server/search/sobol.h"

namespace athanor {

// Learns from what Observe finds (observations.h): in a study with rungs from the highest rung with parameters + 3
// results. Of more than kMostRows trials the model sees the best two thirds of that many and the newest of the rest.
// Results are standardised by their distances to the best or, in a study without rungs, by their ranks if the model
// foresees their order better so; failures are as bad as the worst (result_scale.h, gp_learning.h). Waiting, running
// and paused trials count as if they had ended as the model expects, so that parallel suggestions spread.
//
// Suggestion `index` is quasi-random for index < startup_trials and while fewer than kFewestResults trials, of this and
// earlier studies together, have a finite result; of the later ones a share of random_share is random (by a hash of
// seed and index). All others maximise log expected improvement (gp_proposal.h). In no case a configuration that a
// trial of the study has, while the space has others.
//
// A pure function of (seed, index, fixed, view); thread-safe. With 300 trials and 10 parameters about 25 ms on one
// core. Prepare takes O(trials * parameters), about 0.1 us each.
class GpSearch final : public SearchMethod {
 public:
  static constexpr size_t kMostRows = 300;
  static constexpr size_t kMostPending = 100;  // of those rows; the newest
  static constexpr size_t kFewestResults = 3;

  // `space` must outlive it. INVALID_ARGUMENT as SobolSearch::Create.
  static absl::StatusOr<std::unique_ptr<GpSearch>> Create(const SearchSpace& space, const SearchOptions& options);

  std::string_view name() const override { return "gp"; }
  bool IsSlow() const override { return true; }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override {
    return Prepare(view, index, fixed)();
  }
  Work Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const override;

 private:
  struct Inputs;
  GpSearch(const SearchSpace& space, const SearchOptions& options, std::unique_ptr<SobolSearch> startup);

  Inputs Collect(const SearchView& view, int64_t index, const Configuration& fixed) const;
  Configuration Compute(const Inputs& inputs) const;
  std::optional<Configuration> ByModel(const Inputs& inputs) const;

  const SearchSpace& space_;
  const uint64_t seed_;
  const int64_t startup_trials_;
  const double random_share_;
  const Encoding encoding_;
  const GpFeatures features_;
  const std::unique_ptr<SobolSearch> startup_;
  const RandomSearch random_;
};

}  // namespace athanor
