#include "server/search/random.h"

#include "base/random.h"
#include "server/search/completion.h"
#include "server/search/quantile.h"

namespace athanor {
namespace {

// Sets the permutations' seeds apart from the parameters' streams, which are three words too. Never change it: seeds
// are stored.
constexpr uint64_t kPermutationStream = 0x7065726d75746174;  // "permutat"

Value Draw(const SearchSpace& space, size_t index, Random& random) {
  const bool is_log = space.parameters()[index].scale == Scale::kLog;
  const auto count = is_log ? std::nullopt : space.CountValues(index);
  if (!count) return ValueAtQuantile(space, index, random.Uniform());
  return space.ValueAt(index, static_cast<int64_t>(random.Below(static_cast<uint64_t>(*count))));
}

}  // namespace

RandomSearch::RandomSearch(const SearchSpace& space, uint64_t seed)
    : space_(space), seed_(seed), count_(space.CountConfigurations()) {
  for (const Parameter& parameter : space.parameters()) parameter_streams_.push_back(HashString(parameter.name));
}

Configuration RandomSearch::Suggest(const SearchView&, int64_t index, const Configuration& fixed) const {
  Configuration permuted;  // empty in an infinite space
  if (count_) {
    const auto pass = static_cast<uint64_t>(index / *count_);
    const uint64_t rank = Permute(HashWords({seed_, kPermutationStream, pass}), static_cast<uint64_t>(*count_),
                                  static_cast<uint64_t>(index % *count_));
    permuted = space_.ConfigurationAt(static_cast<int64_t>(rank));
    if (fixed.empty()) return permuted;
  }
  const auto stream = [&](size_t parameter) {
    return Random({seed_, parameter_streams_[parameter], static_cast<uint64_t>(index)});
  };
  const auto choose = [&](size_t parameter) {
    if (!permuted.empty() && permuted[parameter]) return *permuted[parameter];
    Random random = stream(parameter);
    return Draw(space_, parameter, random);
  };
  const auto choose_among = [&](size_t parameter, const std::vector<Value>& allowed) {
    Random random = stream(parameter);
    return allowed[random.Below(allowed.size())];
  };
  return CompleteConfiguration(space_, fixed, choose, choose_among);
}

}  // namespace athanor
