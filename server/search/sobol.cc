#include "server/search/sobol.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "server/search/completion.h"
#include "server/search/quantile.h"

namespace athanor {
namespace {

// Set the streams apart that one seed feeds. Never change them: seeds are stored.
constexpr uint64_t kScrambling = 0x736f626f6c;   // "sobol"
constexpr uint64_t kRest = 0x736f626f6c726573;   // "sobolres"
constexpr uint64_t kAmong = 0x736f626f6c616d6f;  // "sobolamo"

}  // namespace

absl::StatusOr<std::unique_ptr<SobolSearch>> SobolSearch::Create(const SearchSpace& space, uint64_t seed) {
  absl::StatusOr<SobolSequence> sequence = SobolSequence::Create(static_cast<int64_t>(space.size()));
  if (!sequence.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("search.method: sobol over ", space.size(), " parameters; want at most 3667, or random"));
  }
  return std::unique_ptr<SobolSearch>(new SobolSearch(space, *std::move(sequence), seed));
}

SobolSearch::SobolSearch(const SearchSpace& space, SobolSequence sequence, uint64_t seed)
    : space_(space), sequence_(std::move(sequence)), seed_(seed), count_(space.CountConfigurations()) {}

Configuration SobolSearch::Suggest(const SearchView&, int64_t index, const Configuration& fixed) const {
  if (fixed.empty() && count_) return WithoutRepeats(index);
  if (fixed.empty()) return AtPoint(index, 0);
  const auto choose = [&](size_t parameter) { return Choose(parameter, index, 0); };
  const auto choose_among = [&](size_t parameter, const std::vector<Value>& allowed) {
    Random random({seed_, kAmong, static_cast<uint64_t>(parameter), static_cast<uint64_t>(index)});
    return allowed[random.Below(allowed.size())];
  };
  return CompleteConfiguration(space_, fixed, choose, choose_among);
}

Value SobolSearch::Choose(size_t parameter, int64_t point, uint64_t pass) const {
  const uint64_t scrambling = HashWords({seed_, kScrambling, static_cast<uint64_t>(parameter), pass});
  return ValueAtQuantile(space_, parameter, sequence_.ScrambledAt(static_cast<int64_t>(parameter), point, scrambling));
}

Configuration SobolSearch::AtPoint(int64_t point, uint64_t pass) const {
  Configuration configuration(space_.size());
  for (const size_t parameter : space_.topological_order()) {
    if (space_.IsActive(parameter, configuration)) configuration[parameter] = Choose(parameter, point, pass);
  }
  return configuration;
}

Configuration SobolSearch::WithoutRepeats(int64_t index) const {
  const auto number = static_cast<uint64_t>(index / *count_);
  const auto place = static_cast<size_t>(index % *count_);
  MutexLock lock(mutex_);
  if (pass_.number != number) {
    pass_ = {};
    pass_.number = number;
  }
  while (pass_.suggested.size() <= place) Extend(pass_);
  return pass_.suggested[place];
}

void SobolSearch::Extend(Pass& pass) const {
  const auto take = [&](Configuration configuration) {
    if (!pass.taken.insert(configuration).second) return false;
    pass.suggested.push_back(std::move(configuration));
    return true;
  };
  if (pass.next_rest == 0) {
    for (int miss = 0; miss < kMisses; ++miss) {
      if (take(AtPoint(pass.next_point++, pass.number))) return;
    }
  }
  const uint64_t order = HashWords({seed_, kRest, pass.number});
  for (;;) {
    const uint64_t rank = Permute(order, static_cast<uint64_t>(*count_), static_cast<uint64_t>(pass.next_rest++));
    if (take(space_.ConfigurationAt(static_cast<int64_t>(rank)))) return;
  }
}

}  // namespace athanor
