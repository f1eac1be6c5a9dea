// Tree-structured Parzen estimators (Bergstra et al. 2011, section 4; multivariate as in BOHB, Falkner et al. 2018):
// suggests what is likely among the good trials and unlikely among the others.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "server/search/encoding.h"
#include "server/search/observations.h"
#include "server/search/parzen.h"
#include "server/search/random.h"
#include "server/search/search_method.h"
#include "server/search/sobol.h"
#include "server/search/taken.h"

namespace athanor {

// What is learned from: see Observe (observations.h). Of n results the best min(ceil(kGoodShare * n), kMaxGood) finite
// ones are good; all others are bad, and so are, by constant liar, trials that run, wait or are paused without a result
// there, so that parallel workers spread out, and those stopped below. Of more than kMaxBad bad ones of a kind a seeded
// sample stands for all, each with the weight of those it stands for.
//
// Parameters with the same conditions are active together and form a group; each group has a density l of the good and
// g of the bad over all of its parameters at once (ParzenEstimator), from the trials in which it is active. Of
// kCandidates configurations drawn from l the one with the largest l / g, multiplied over its active groups, is
// suggested. (In the paper's symbols: gamma = kGoodShare, n_EI = kCandidates.)
//
// The first `startup_trials` suggestions, and any before as many results are known, come from the quasi-random
// sequence; of the later ones a share of `random_share`, chosen by a hash of (seed, index), is random. Trials of
// earlier studies count as results there and are good or bad by their own study's ranking; together the good ones weigh
// at most kPriorGoodWeight trials, the bad ones kPriorBadWeight, so that the study's own results overrule them.
//
// Nothing is suggested that a trial of the study has had, in whatever state, while the space has something else.
//
// With `fixed`, the given values stand, and the model chooses the others in their company.
//
// A pure function of (seed, index, fixed, view); thread-safe. Prepare costs O(trials) and copies a bounded number of
// points; the rest does not depend on the number of trials, except that FindUntaken may be needed in a finite space. A
// suggestion over 10 parameters takes about 0.2 ms with 1,000 trials and 1 ms with 10,000.
class TpeSearch final : public SearchMethod {
 public:
  static constexpr double kGoodShare = 0.1;
  static constexpr size_t kMaxGood = 25;
  static constexpr size_t kMaxBad = 64;  // of each kind: results, pending, stopped, earlier studies'
  static constexpr int kCandidates = 64;
  static constexpr double kPriorGoodWeight = 5;
  static constexpr double kPriorBadWeight = 20;

  // `space` must outlive it. `options` are completed. INVALID_ARGUMENT naming search.method if there are more than 3667
  // parameters.
  static absl::StatusOr<std::unique_ptr<TpeSearch>> Create(const SearchSpace& space, const SearchOptions& options);

  std::string_view name() const override { return "tpe"; }
  bool IsSlow() const override { return true; }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override {
    return Prepare(view, index, fixed)();
  }
  Work Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const override;

 private:
  using Points = std::vector<WeightedPoint>;
  struct Learned {
    Points good;
    Points bad;
  };
  struct Candidate {
    Encoding::Point point;
    double log_ratio = 0;
  };
  struct GroupModel;  // a group's l and g

  TpeSearch(const SearchSpace& space, const SearchOptions& options, std::unique_ptr<SobolSearch> sobol);

  bool AsksModel(const SearchView& view, const Observations& observed, int64_t index) const;
  bool IsRandom(int64_t index) const;
  Learned Learn(const SearchView& view, const Observations& observed, int64_t index) const;
  // Adds points for at most kMaxBad of `trials`.
  void AddBad(const SearchView& view, const std::vector<TrialNumber>& trials, uint64_t sample_seed, Points& bad) const;
  void AddPrior(const SearchView& view, uint64_t sample_seed, Learned& learned) const;

  Configuration Choose(const Learned& learned, int64_t index, const Configuration& fixed,
                       const TakenConfigurations& taken) const;
  std::vector<GroupModel> Models(const Learned& learned) const;
  Candidate Draw(const std::vector<GroupModel>& models, const Configuration& fixed,
                 const std::vector<std::vector<Value>>& allowed, Random& random) const;
  Configuration Decode(const Encoding::Point& point, const Configuration& fixed) const;
  // `wanted`, or something else where that is taken.
  Configuration Untaken(Configuration wanted, int64_t index, const Configuration& fixed,
                        const TakenConfigurations& taken) const;

  const SearchSpace& space_;
  const Encoding encoding_;
  const uint64_t seed_;
  const int64_t startup_trials_;
  const double random_share_;
  const std::unique_ptr<SobolSearch> sobol_;
  const RandomSearch random_;
  std::vector<std::vector<size_t>> groups_;  // parents' before children's
  std::vector<char> is_parent_;              // by parameter
};

}  // namespace athanor
