#include "server/search/gp.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/random.h"
#include "server/search/gp_learning.h"
#include "server/search/gp_proposal.h"
#include "server/search/taken.h"

namespace athanor {
namespace {

constexpr int64_t kStartupTrials = 10;
constexpr double kRandomShare = 0.2;
constexpr size_t kLeaders = 5;
// At a rung results are few, and runs that diverge do not climb: which scale foresees better would be luck, so it is
// the first.
constexpr ResultScale kScales[] = {ResultScale::kDistances, ResultScale::kRanks};
constexpr std::span<const ResultScale> kScaleAtRungs(kScales, 1);
// Set the streams apart that one seed feeds. Never change them: seeds are stored.
constexpr uint64_t kModelStream = 0x67700001;   // which suggestions are random
constexpr uint64_t kPointStream = 0x67700002;   // where the model is asked
constexpr uint64_t kUnusedStream = 0x67700003;  // what takes a used configuration's place

// The places in `results`, which are best first, of those that the model sees: the best two thirds of `rows` and the
// newest others. Ascending.
std::vector<size_t> ChooseResults(const std::vector<ObservedTrial>& results, size_t rows) {
  std::vector<size_t> places(results.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  if (places.size() <= rows) return places;
  const auto others = places.begin() + static_cast<std::ptrdiff_t>(rows * 2 / 3);
  std::sort(others, places.end(), [&](size_t a, size_t b) { return results[a].trial > results[b].trial; });
  places.resize(rows);
  std::ranges::sort(places);
  return places;
}

}  // namespace

struct GpSearch::Inputs {
  int64_t index = 0;
  Configuration fixed;
  size_t finite = 0;  // results, prior ones included
  std::span<const ResultScale> scales = kScales;
  GpObservations observations = {};
  TakenConfigurations taken = {};
};

absl::StatusOr<std::unique_ptr<GpSearch>> GpSearch::Create(const SearchSpace& space, const SearchOptions& options) {
  absl::StatusOr<std::unique_ptr<SobolSearch>> startup = SobolSearch::Create(space, options.seed);
  if (!startup.ok()) return startup.status();
  return std::unique_ptr<GpSearch>(new GpSearch(space, options, *std::move(startup)));
}

GpSearch::GpSearch(const SearchSpace& space, const SearchOptions& options, std::unique_ptr<SobolSearch> startup)
    : space_(space),
      seed_(options.seed),
      startup_trials_(options.startup_trials.value_or(kStartupTrials)),
      random_share_(options.random_share.value_or(kRandomShare)),
      encoding_(space),
      features_(encoding_),
      startup_(std::move(startup)),
      random_(space, options.seed) {}

SearchMethod::Work GpSearch::Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const {
  return [this, inputs = Collect(view, index, fixed)] { return Compute(inputs); };
}

GpSearch::Inputs GpSearch::Collect(const SearchView& view, int64_t index, const Configuration& fixed) const {
  Inputs inputs = {.index = index, .fixed = fixed};
  for (const Trial& trial : view.trials) inputs.taken.Insert(trial.configuration);

  const auto configuration = [&](TrialNumber trial) -> const PackedConfiguration& {
    return view.trials[static_cast<size_t>(trial)].configuration;
  };
  GpObservations& learned = inputs.observations;
  const Observations observed = Observe(view, space_);
  if (observed.rung >= 0) inputs.scales = kScaleAtRungs;
  inputs.finite = observed.CountFinite() + view.prior.size();

  const size_t pending = std::min(observed.pending.size(), kMostPending);
  for (auto trial = observed.pending.end() - static_cast<std::ptrdiff_t>(pending); trial != observed.pending.end();
       ++trial) {
    learned.pending.push_back(encoding_.Encode(configuration(*trial)));
  }
  if (observed.CountFinite() > 0) {
    for (const size_t place : ChooseResults(observed.results, kMostRows - pending)) {
      const ObservedTrial& result = observed.results[place];
      learned.points.push_back(encoding_.Encode(configuration(result.trial)));
      learned.values.push_back(result.value);
    }
  }
  for (const PriorTrial& prior : view.prior) {
    if (learned.points.size() + learned.prior.size() + pending >= kMostRows) break;
    learned.prior.push_back(encoding_.Encode(prior.configuration));
    learned.scores.push_back(prior.score);
  }
  return inputs;
}

Configuration GpSearch::Compute(const Inputs& inputs) const {
  const auto index = static_cast<uint64_t>(inputs.index);
  std::optional<Configuration> suggested;
  if (inputs.index < startup_trials_ || inputs.finite < kFewestResults) {
    suggested = startup_->Suggest({}, inputs.index, inputs.fixed);
  } else if (Random({seed_, kModelStream, index}).Uniform() < random_share_) {
    suggested = random_.Suggest({}, inputs.index, inputs.fixed);
  } else {
    suggested = ByModel(inputs);
  }
  if (suggested && !inputs.taken.Contains(*suggested)) return *std::move(suggested);
  Random random({seed_, kUnusedStream, index});
  if (auto unused = FindUntaken(space_, inputs.fixed, inputs.taken, random)) return *std::move(unused);
  return suggested ? *std::move(suggested) : random_.Suggest({}, inputs.index, inputs.fixed);
}

std::optional<Configuration> GpSearch::ByModel(const Inputs& inputs) const {
  const GpObservations& learned = inputs.observations;
  GaussianProcess model = FitModel(learned, features_, inputs.scales);
  if (!learned.pending.empty()) {
    std::vector<double> points;
    for (const Encoding::Point& pending : learned.pending) features_.Append(pending, points);
    model = model.Believing(points);
  }
  // Prior trials speak of another study: they are nothing to improve on while this one has results.
  std::vector<double> fitted = model.FittedMeans();
  if (!learned.points.empty()) {
    fitted.erase(fitted.begin() + static_cast<std::ptrdiff_t>(learned.points.size()),
                 fitted.begin() + static_cast<std::ptrdiff_t>(learned.points.size() + learned.prior.size()));
  }
  const std::vector<Encoding::Point>& best = learned.points.empty() ? learned.prior : learned.points;
  return ProposeByExpectedImprovement({
      .model = model,
      .best = std::ranges::min(fitted),
      .encoding = encoding_,
      .features = features_,
      .taken = inputs.taken,
      .leaders = std::span(best).first(std::min(best.size(), kLeaders)),
      .fixed = inputs.fixed,
      .seed = HashWords({seed_, kPointStream, static_cast<uint64_t>(inputs.index)}),
  });
}

}  // namespace athanor
