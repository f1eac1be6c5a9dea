#include "server/search/taken.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/search/quantile.h"

namespace athanor {
namespace {

struct BitsOf {
  uint64_t operator()(bool value) const { return value ? 1 : 0; }
  uint64_t operator()(int64_t value) const { return static_cast<uint64_t>(value); }
  uint64_t operator()(double value) const { return std::bit_cast<uint64_t>(value); }
  uint64_t operator()(const std::string& value) const { return HashString(value); }
};

template <typename AnyConfiguration>
uint64_t Fingerprint(const AnyConfiguration& configuration) {
  uint64_t hash = 0;
  for (size_t i = 0; i < configuration.size(); ++i) {
    const auto& value = configuration[i];
    hash = value ? HashWords({hash, value->index() + 1, std::visit(BitsOf{}, *value)}) : HashWords({hash});
  }
  return hash;
}

// Depth first over the values of each parameter, parents before children.
class Search {
 public:
  Search(const SearchSpace& space, const Configuration& fixed, const TakenConfigurations& taken, Random& random)
      : space_(space), fixed_(fixed), taken_(taken), random_(random), allowed_(space.size()), found_(space.size()) {
    if (fixed.empty()) return;
    if (auto allowed = space.AllowedValues(fixed); allowed.ok()) allowed_ = *std::move(allowed);
  }

  // Whether there is a completion of what the first `depth` parameters were given; it then stands in found().
  bool Complete(size_t depth) {
    if (depth == space_.size()) return !taken_.Contains(found_);
    const size_t index = space_.topological_order()[depth];
    const auto with = [&](std::optional<Value> value) {
      found_[index] = std::move(value);
      return Complete(depth + 1);
    };
    found_[index].reset();
    if (!space_.IsActive(index, found_)) return with(std::nullopt);
    if (!fixed_.empty() && fixed_[index]) return with(fixed_[index]);
    const std::vector<Value>& allowed = allowed_[index];
    const auto count = allowed.empty() ? space_.CountValues(index) : static_cast<int64_t>(allowed.size());
    if (!count) return with(ValueAtQuantile(space_, index, random_.Uniform()));
    const auto first = static_cast<int64_t>(random_.Below(static_cast<uint64_t>(*count)));
    for (int64_t i = 0; i < *count; ++i) {
      const int64_t k = i < *count - first ? first + i : first + i - *count;
      if (with(allowed.empty() ? space_.ValueAt(index, k) : allowed[static_cast<size_t>(k)])) return true;
    }
    return false;
  }
  Configuration& found() { return found_; }

 private:
  const SearchSpace& space_;
  const Configuration& fixed_;
  const TakenConfigurations& taken_;
  Random& random_;
  std::vector<std::vector<Value>> allowed_;
  Configuration found_;
};

}  // namespace

TakenConfigurations::TakenConfigurations(const SearchSpace& space, std::span<const Trial> trials,
                                         const Configuration& fixed) {
  for (size_t index = 0; index < space.size(); ++index) {
    const bool drawn = fixed.empty() || !fixed[index];
    if (drawn && space.parameters()[index].when.empty() && !space.CountValues(index)) return;
  }
  fingerprints_.reserve(trials.size());
  for (const Trial& trial : trials) Insert(trial.configuration);
}

bool TakenConfigurations::Contains(const Configuration& configuration) const {
  return !fingerprints_.empty() && fingerprints_.contains(Fingerprint(configuration));
}

void TakenConfigurations::Insert(const PackedConfiguration& configuration) {
  fingerprints_.insert(Fingerprint(configuration));
}

std::optional<Configuration> FindUntaken(const SearchSpace& space, const Configuration& fixed,
                                         const TakenConfigurations& taken, Random& random) {
  Search search(space, fixed, taken, random);
  if (!search.Complete(0)) return std::nullopt;
  return std::move(search.found());
}

Configuration UntakenOr(Configuration wanted, const SearchSpace& space, const Configuration& fixed,
                        const TakenConfigurations& taken, Random& random) {
  if (!taken.Contains(wanted)) return wanted;
  if (auto fresh = FindUntaken(space, fixed, taken, random)) return *std::move(fresh);
  return wanted;
}

}  // namespace athanor
