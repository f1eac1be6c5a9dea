#include "server/search/tpe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"

namespace athanor {
namespace {

// Set the streams apart that one seed feeds. Never change them: seeds are stored.
constexpr uint64_t kShareStream = 0x7470655f73686172;   // "tpe_shar"
constexpr uint64_t kSampleStream = 0x7470655f73616d70;  // "tpe_samp"
constexpr uint64_t kModelStream = 0x7470655f6d6f6465;   // "tpe_mode"
constexpr uint64_t kFreshStream = 0x7470655f66726573;   // "tpe_fres"

// Parameters whose conditions are the same, in the order in which parents come first.
std::vector<std::vector<size_t>> GroupByConditions(const SearchSpace& space) {
  std::vector<std::vector<size_t>> groups;
  for (const size_t index : space.topological_order()) {
    const auto same = std::ranges::find_if(groups, [&](const std::vector<size_t>& group) {
      return space.parameters()[group.front()].when == space.parameters()[index].when;
    });
    if (same == groups.end()) {
      groups.push_back({index});
    } else {
      same->push_back(index);
    }
  }
  return groups;
}

// At most `limit` of [0, count), a seeded sample without repetition.
std::vector<size_t> SampleOf(size_t count, size_t limit, uint64_t seed) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < std::min(count, limit); ++i) {
    chosen.push_back(count <= limit ? i : static_cast<size_t>(Permute(seed, count, i)));
  }
  return chosen;
}

}  // namespace

struct TpeSearch::GroupModel {
  ParzenEstimator good;
  ParzenEstimator bad;
};

absl::StatusOr<std::unique_ptr<TpeSearch>> TpeSearch::Create(const SearchSpace& space, const SearchOptions& options) {
  auto sobol = SobolSearch::Create(space, options.seed);
  if (!sobol.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("search.method: tpe over ", space.size(), " parameters; want at most 3667, or random"));
  }
  return std::unique_ptr<TpeSearch>(new TpeSearch(space, options, *std::move(sobol)));
}

TpeSearch::TpeSearch(const SearchSpace& space, const SearchOptions& options, std::unique_ptr<SobolSearch> sobol)
    : space_(space),
      encoding_(space),
      seed_(options.seed),
      startup_trials_(options.startup_trials.value_or(SearchOptions::kStartupTrials)),
      random_share_(options.random_share.value_or(SearchOptions::kRandomShare)),
      sobol_(std::move(sobol)),
      random_(space, options.seed),
      groups_(GroupByConditions(space)),
      is_parent_(space.size()) {
  for (const Parameter& parameter : space.parameters()) {
    for (const Condition& condition : parameter.when) is_parent_[*space.IndexOf(condition.parent)] = 1;
  }
}

SearchMethod::Work TpeSearch::Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const {
  const Observations observed = Observe(view, space_);
  TakenConfigurations taken(space_, view.trials, fixed);
  if (!AsksModel(view, observed, index)) {
    return [this, index, fixed, taken = std::move(taken)] {
      return Untaken(sobol_->Suggest({}, index, fixed), index, fixed, taken);
    };
  }
  if (IsRandom(index)) {
    return [this, index, fixed, taken = std::move(taken)] {
      return Untaken(random_.Suggest({}, index, fixed), index, fixed, taken);
    };
  }
  return [this, index, fixed, taken = std::move(taken), learned = Learn(view, observed, index)] {
    return Choose(learned, index, fixed, taken);
  };
}

bool TpeSearch::AsksModel(const SearchView& view, const Observations& observed, int64_t index) const {
  const auto prior = static_cast<int64_t>(view.prior.size());
  if (observed.CountFinite() == 0 && prior == 0) return false;
  return std::min(index, static_cast<int64_t>(observed.results.size())) + prior >= startup_trials_;
}

bool TpeSearch::IsRandom(int64_t index) const {
  return Random({seed_, kShareStream, static_cast<uint64_t>(index)}).Uniform() < random_share_;
}

// ---- What the model learns from ----

TpeSearch::Learned TpeSearch::Learn(const SearchView& view, const Observations& observed, int64_t index) const {
  const std::vector<ObservedTrial>& results = observed.results;
  const auto share = static_cast<size_t>(std::ceil(kGoodShare * static_cast<double>(results.size())));
  const size_t good = std::min({share, kMaxGood, observed.CountFinite()});
  Learned learned;
  std::vector<TrialNumber> bad;
  for (size_t i = 0; i < results.size(); ++i) {
    if (i >= good) {
      bad.push_back(results[i].trial);
    } else {
      learned.good.push_back({encoding_.Encode(view.trials[static_cast<size_t>(results[i].trial)].configuration)});
    }
  }
  Random seeds({seed_, kSampleStream, static_cast<uint64_t>(index)});
  AddBad(view, bad, seeds.Next(), learned.bad);
  AddBad(view, observed.pending, seeds.Next(), learned.bad);
  AddBad(view, observed.stopped, seeds.Next(), learned.bad);
  AddPrior(view, seeds.Next(), learned);
  return learned;
}

void TpeSearch::AddBad(const SearchView& view, const std::vector<TrialNumber>& trials, uint64_t sample_seed,
                       Points& bad) const {
  const std::vector<size_t> chosen = SampleOf(trials.size(), kMaxBad, sample_seed);
  const double weight = static_cast<double>(trials.size()) / static_cast<double>(std::max<size_t>(chosen.size(), 1));
  for (const size_t at : chosen) {
    bad.push_back({encoding_.Encode(view.trials[static_cast<size_t>(trials[at])].configuration), weight});
  }
}

void TpeSearch::AddPrior(const SearchView& view, uint64_t sample_seed, Learned& learned) const {
  std::vector<const PriorTrial*> good, bad;
  for (const PriorTrial& prior : view.prior) (prior.score < kGoodShare ? good : bad).push_back(&prior);
  const auto add = [&](const std::vector<const PriorTrial*>& priors, size_t limit, double most, Points& points) {
    const std::vector<size_t> chosen = SampleOf(priors.size(), limit, sample_seed);
    for (const size_t at : chosen) {
      points.push_back(
          {encoding_.Encode(priors[at]->configuration), std::min(1.0, most / static_cast<double>(chosen.size()))});
    }
  };
  std::ranges::stable_sort(good, {}, &PriorTrial::score);
  if (good.size() > kMaxGood) good.resize(kMaxGood);
  add(good, kMaxGood, kPriorGoodWeight, learned.good);
  add(bad, kMaxBad, kPriorBadWeight, learned.bad);
}

// ---- What it suggests ----

std::vector<TpeSearch::GroupModel> TpeSearch::Models(const Learned& learned) const {
  const auto active_in = [](const Points& points, size_t parameter) {
    Points active;
    std::ranges::copy_if(points, std::back_inserter(active),
                         [&](const WeightedPoint& seen) { return !std::isnan(seen.point[parameter]); });
    return active;
  };
  std::vector<GroupModel> models;
  for (const std::vector<size_t>& group : groups_) {
    models.push_back({.good = ParzenEstimator(encoding_, group, active_in(learned.good, group.front())),
                      .bad = ParzenEstimator(encoding_, group, active_in(learned.bad, group.front()))});
  }
  return models;
}

TpeSearch::Candidate TpeSearch::Draw(const std::vector<GroupModel>& models, const Configuration& fixed,
                                     const std::vector<std::vector<Value>>& allowed, Random& random) const {
  Candidate candidate{.point = Encoding::Point(space_.size(), std::numeric_limits<double>::quiet_NaN())};
  Encoding::Point& point = candidate.point;
  Configuration parents(space_.size());  // all that decides which groups are active
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (!space_.IsActive(groups_[g].front(), parents)) continue;
    for (const size_t index : groups_[g]) {
      if (!fixed.empty() && fixed[index]) point[index] = encoding_.Encode(index, *fixed[index]);
    }
    models[g].good.Sample(random, point);
    for (const size_t index : groups_[g]) {
      if (!is_parent_[index]) continue;
      parents[index] = encoding_.Decode(index, point[index]);
      if (allowed[index].empty() || std::ranges::find(allowed[index], *parents[index]) != allowed[index].end())
        continue;
      parents[index] = allowed[index][random.Below(allowed[index].size())];
      point[index] = encoding_.Encode(index, *parents[index]);
    }
    candidate.log_ratio += models[g].good.LogDensity(point) - models[g].bad.LogDensity(point);
  }
  return candidate;
}

Configuration TpeSearch::Choose(const Learned& learned, int64_t index, const Configuration& fixed,
                                const TakenConfigurations& taken) const {
  std::vector<std::vector<Value>> allowed(space_.size());
  if (!fixed.empty()) {
    if (auto found = space_.AllowedValues(fixed); found.ok()) allowed = *std::move(found);
  }
  const std::vector<GroupModel> models = Models(learned);
  Random random({seed_, kModelStream, static_cast<uint64_t>(index)});
  std::vector<Candidate> candidates;
  for (int i = 0; i < kCandidates; ++i) candidates.push_back(Draw(models, fixed, allowed, random));
  std::ranges::stable_sort(candidates, std::greater<>(), &Candidate::log_ratio);
  for (const Candidate& candidate : candidates) {
    Configuration configuration = Decode(candidate.point, fixed);
    if (!taken.Contains(configuration)) return configuration;
  }
  return Untaken(Decode(candidates.front().point, fixed), index, fixed, taken);
}

Configuration TpeSearch::Decode(const Encoding::Point& point, const Configuration& fixed) const {
  Configuration configuration(space_.size());
  for (size_t index = 0; index < space_.size(); ++index) {
    if (std::isnan(point[index])) continue;
    configuration[index] = !fixed.empty() && fixed[index] ? *fixed[index] : encoding_.Decode(index, point[index]);
  }
  return configuration;
}

Configuration TpeSearch::Untaken(Configuration wanted, int64_t index, const Configuration& fixed,
                                 const TakenConfigurations& taken) const {
  Random random({seed_, kFreshStream, static_cast<uint64_t>(index)});
  return UntakenOr(std::move(wanted), space_, fixed, taken, random);
}

}  // namespace athanor
