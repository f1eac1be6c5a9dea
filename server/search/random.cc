#include "server/search/random.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "server/search/completion.h"

namespace athanor {
namespace {

constexpr auto kPoints = SearchSpace::Points::kIgnore;
// Sets the permutations' seeds apart from the parameters' streams, which are three words too. Never change it: seeds
// are stored.
constexpr uint64_t kPermutationStream = 0x7065726d75746174;  // "permutat"

// The index of one of `count` values, log-uniform.
int64_t DrawLogIndex(const Parameter& parameter, int64_t count, Random& random) {
  const double step = parameter.step.value_or(1);
  const Parameter cells = {
      .name = {}, .min = parameter.min, .max = parameter.min + static_cast<double>(count) * step, .scale = Scale::kLog};
  const double value = AtFraction(cells, random.Uniform());
  return std::min(static_cast<int64_t>(std::floor((value - parameter.min) / step)), count - 1);
}

Value Draw(const SearchSpace& space, size_t index, Random& random) {
  const Parameter& parameter = space.parameters()[index];
  const auto count = space.CountValues(index, kPoints);
  if (!count) return AtFraction(parameter, random.Uniform());
  if (parameter.scale == Scale::kLog) return space.ValueAt(index, DrawLogIndex(parameter, *count, random), kPoints);
  return space.ValueAt(index, static_cast<int64_t>(random.Below(static_cast<uint64_t>(*count))), kPoints);
}

}  // namespace

RandomSearch::RandomSearch(const SearchSpace& space, uint64_t seed)
    : space_(space), seed_(seed), count_(space.CountConfigurations(kPoints)) {
  for (const Parameter& parameter : space.parameters()) parameter_streams_.push_back(HashString(parameter.name));
}

Configuration RandomSearch::Suggest(const SearchView&, int64_t index, const Configuration& fixed) const {
  Configuration permuted(space_.size());
  if (count_) {
    const auto pass = static_cast<uint64_t>(index / *count_);
    const uint64_t rank = Permute(HashWords({seed_, kPermutationStream, pass}), static_cast<uint64_t>(*count_),
                                  static_cast<uint64_t>(index % *count_));
    permuted = space_.ConfigurationAt(static_cast<int64_t>(rank), kPoints);
    if (fixed.empty()) return permuted;
  }
  const auto stream = [&](size_t parameter) {
    return Random({seed_, parameter_streams_[parameter], static_cast<uint64_t>(index)});
  };
  const auto choose = [&](size_t parameter) {
    if (permuted[parameter]) return *permuted[parameter];
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
