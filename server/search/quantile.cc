#include "server/search/quantile.h"

#include <algorithm>
#include <cmath>

namespace athanor {
namespace {

double LogIndex(const Parameter& parameter, int64_t count, double u) {
  const double step = parameter.step.value_or(1);
  const Parameter cells = {
      .name = {}, .min = parameter.min, .max = parameter.min + static_cast<double>(count) * step, .scale = Scale::kLog};
  return std::floor((AtFraction(cells, u) - parameter.min) / step);
}

}  // namespace

Value ValueAtQuantile(const SearchSpace& space, size_t index, double u) {
  const Parameter& parameter = space.parameters()[index];
  const auto count = space.CountValues(index);
  if (!count) return AtFraction(parameter, u);
  const double at =
      parameter.scale == Scale::kLog ? LogIndex(parameter, *count, u) : std::floor(u * static_cast<double>(*count));
  // Rounding may lead one past the last.
  return space.ValueAt(index, std::clamp<int64_t>(static_cast<int64_t>(at), 0, *count - 1));
}

}  // namespace athanor
