#include "server/search/cmaes.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "server/search/observations.h"

namespace athanor {
namespace {

// Set the streams apart that one seed feeds. Never change them: seeds are stored.
constexpr uint64_t kDrawStream = 0x636d6165735f6472;   // "cmaes_dr"
constexpr uint64_t kFreshStream = 0x636d6165735f6672;  // "cmaes_fr"
constexpr int kDraws = 32;                             // before anything that was not tried will do

uint64_t FingerprintOf(uint64_t before, const Encoding::Point& point) {
  for (const double coordinate : point) before = HashWords({before, std::bit_cast<uint64_t>(coordinate)});
  return before;
}

// By number of points: what the start and so many points come to.
std::vector<uint64_t> FingerprintsOf(const Encoding::Point& start, const std::vector<TriedPoint>& tried) {
  std::vector<uint64_t> fingerprints = {FingerprintOf(0, start)};
  for (const TriedPoint& one : tried) {
    fingerprints.push_back(
        HashWords({FingerprintOf(fingerprints.back(), one.point), std::bit_cast<uint64_t>(one.value)}));
  }
  return fingerprints;
}

absl::Status Refuse(const std::string& what, const std::string& want) {
  return absl::InvalidArgumentError(absl::StrCat("search.method: cmaes ", what, "; want ", want));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CmaesSearch>> CmaesSearch::Create(const SearchSpace& space, uint64_t seed) {
  if (space.size() == 0) return Refuse("over no parameters", "random");
  if (space.size() > kMaxParameters) {
    return Refuse(absl::StrCat("over ", space.size(), " parameters"),
                  absl::StrCat("at most ", kMaxParameters, ", or tpe"));
  }
  for (const Parameter& parameter : space.parameters()) {
    const bool category = parameter.type == ParameterType::kCategorical;
    if (!category && parameter.when.empty()) continue;
    return Refuse(
        absl::StrCat("cannot search ", parameter.name, ", which is ", category ? "categorical" : "conditional"), "tpe");
  }
  return std::unique_ptr<CmaesSearch>(new CmaesSearch(space, seed));
}

SearchMethod::Work CmaesSearch::Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const {
  Observations observed = Observe(view, space_);
  std::ranges::sort(observed.results, {}, &ObservedTrial::trial);
  std::vector<TriedPoint> tried;
  tried.reserve(observed.results.size());
  for (const ObservedTrial& seen : observed.results) {
    tried.push_back({encoding_.Encode(view.trials[static_cast<size_t>(seen.trial)].configuration), seen.value});
  }
  return [this, index, fixed, start = StartOf(view), tried = std::move(tried),
          taken = TakenConfigurations(space_, view.trials, fixed)] {
    const CmaesState state = StateAfter(start, tried);
    Random random({seed_, kDrawStream, static_cast<uint64_t>(index)});
    Configuration drawn = Draw(state, random, fixed);
    for (int draw = 1; draw < kDraws && taken.Contains(drawn); ++draw) drawn = Draw(state, random, fixed);
    Random fresh({seed_, kFreshStream, static_cast<uint64_t>(index)});
    return UntakenOr(std::move(drawn), space_, fixed, taken, fresh);
  };
}

Encoding::Point CmaesSearch::StartOf(const SearchView& view) const {
  Encoding::Point sum(space_.size(), 0);
  double count = 0;
  for (const PriorTrial& prior : view.prior) {
    if (prior.score >= kGoodShare) continue;
    const Encoding::Point point = encoding_.Encode(prior.configuration);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += point[i];
    ++count;
  }
  for (double& coordinate : sum) coordinate = count > 0 ? coordinate / count : 0.5;
  return sum;
}

CmaesState CmaesSearch::StateAfter(const Encoding::Point& start, const std::vector<TriedPoint>& tried) const {
  const std::vector<uint64_t> fingerprints = FingerprintsOf(start, tried);
  Remembered at = Recall(fingerprints).value_or(Remembered{fingerprints[0], 0, CmaesState(encoding_, start)});
  while (tried.size() - at.tried >= at.state.population()) {
    const size_t generation = at.state.population();
    at.state.Update(std::span(tried).subspan(at.tried, generation));
    at.tried += generation;
    at.fingerprint = fingerprints[at.tried];
    Remember(at);
  }
  return std::move(at.state);
}

std::optional<CmaesSearch::Remembered> CmaesSearch::Recall(const std::vector<uint64_t>& fingerprints) const {
  MutexLock lock(mutex_);
  const Remembered* furthest = nullptr;
  for (const Remembered& one : remembered_) {
    if (one.tried >= fingerprints.size() || fingerprints[one.tried] != one.fingerprint) continue;
    if (furthest == nullptr || one.tried > furthest->tried) furthest = &one;
  }
  if (furthest == nullptr) return std::nullopt;
  return *furthest;
}

void CmaesSearch::Remember(Remembered remembered) const {
  MutexLock lock(mutex_);
  if (remembered_.size() == kRemembered) remembered_.pop_front();
  remembered_.push_back(std::move(remembered));
}

Configuration CmaesSearch::Draw(const CmaesState& state, Random& random, const Configuration& fixed) const {
  const Encoding::Point point = state.Sample(random);
  Configuration configuration(space_.size());
  for (size_t i = 0; i < space_.size(); ++i) {
    configuration[i] = !fixed.empty() && fixed[i] ? *fixed[i] : encoding_.Decode(i, point[i]);
  }
  return configuration;
}

}  // namespace athanor
