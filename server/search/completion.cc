#include "server/search/completion.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace athanor {

Configuration CompleteConfiguration(const SearchSpace& space, const Configuration& fixed, ChooseValue choose,
                                    ChooseAmong choose_among) {
  std::vector<std::vector<Value>> allowed;  // empty where nothing is fixed
  if (!fixed.empty()) {
    if (auto found = space.AllowedValues(fixed); found.ok()) allowed = *std::move(found);
  }
  Configuration configuration(space.size());
  for (const size_t index : space.topological_order()) {
    if (!space.IsActive(index, configuration)) continue;
    if (!fixed.empty() && fixed[index]) {
      configuration[index] = fixed[index];
      continue;
    }
    Value value = choose(index);
    if (!allowed.empty()) {
      const std::vector<Value>& among = allowed[index];
      if (!among.empty() && std::ranges::find(among, value) == among.end()) value = choose_among(index, among);
    }
    configuration[index] = std::move(value);
  }
  return configuration;
}

}  // namespace athanor
