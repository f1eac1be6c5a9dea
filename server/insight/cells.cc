#include "server/insight/cells.h"

#include <algorithm>
#include <cstdint>

namespace athanor {
namespace {

size_t CountActive(const SearchSpace& space, size_t index) {
  const auto count = space.CountValues(index);
  if (space.parameters()[index].type == ParameterType::kCategorical) return static_cast<size_t>(*count);
  return count ? static_cast<size_t>(std::min<int64_t>(*count, ParameterCells::kNumberCells))
               : ParameterCells::kNumberCells;
}

size_t CellOf(const Parameter& parameter, const Value& value, size_t active) {
  if (parameter.type == ParameterType::kCategorical) {
    return static_cast<size_t>(std::ranges::find(parameter.values, value) - parameter.values.begin());
  }
  const double fraction = FractionOf(parameter, NumberOf(value));
  return std::min(static_cast<size_t>(fraction * static_cast<double>(active)), active - 1);
}

}  // namespace

std::vector<ParameterCells> CellsOf(const SearchSpace& space, std::span<const ScoredConfiguration> trials) {
  std::vector<ParameterCells> all;
  for (size_t index = 0; index < space.size(); ++index) {
    const Parameter& parameter = space.parameters()[index];
    ParameterCells cells;
    cells.is_category = parameter.type == ParameterType::kCategorical;
    cells.has_inactive = !parameter.when.empty();
    const size_t active = CountActive(space, index);
    const size_t first = cells.has_inactive ? 1 : 0;
    size_t inactive = 0;
    for (const ScoredConfiguration& trial : trials) {
      const std::optional<Value>& value = trial.configuration[index];
      inactive += value ? 0 : 1;
      cells.of_trial.push_back(value ? first + CellOf(parameter, *value, active) : 0);
    }
    const double share = static_cast<double>(inactive) / static_cast<double>(std::max<size_t>(trials.size(), 1));
    if (cells.has_inactive) cells.mass.push_back(share);
    cells.mass.insert(cells.mass.end(), active, (1 - share) / static_cast<double>(active));
    all.push_back(std::move(cells));
  }
  return all;
}

}  // namespace athanor
