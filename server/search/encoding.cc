#include "server/search/encoding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "server/search/quantile.h"

namespace athanor {
Encoding::Encoding(const SearchSpace& space) : space_(&space) {
  for (size_t index = 0; index < space.size(); ++index) {
    const auto count = space.CountValues(index);
    const bool category = space.parameters()[index].type == ParameterType::kCategorical;
    dimensions_.push_back({.kind = category ? Kind::kCategory
                                   : count  ? Kind::kGrid
                                            : Kind::kContinuous,
                           .count = count.value_or(0)});
  }
}

double Encoding::LowerEdge(size_t index, double k) const {
  const Parameter& parameter = space_->parameters()[index];
  const auto count = static_cast<double>(dimensions_[index].count);
  if (parameter.scale == Scale::kLinear) return k / count;
  const double step = parameter.step.value_or(1);
  return std::log1p(k * step / parameter.min) / std::log1p(count * step / parameter.min);
}

Encoding::Cell Encoding::CellAt(size_t index, int64_t k) const {
  const auto at = static_cast<double>(k);
  return {.index = k, .lower = LowerEdge(index, at), .upper = LowerEdge(index, at + 1)};
}

Encoding::Cell Encoding::CellOf(size_t index, double coordinate) const {
  const Parameter& parameter = space_->parameters()[index];
  const auto count = static_cast<double>(dimensions_[index].count);
  const double step = parameter.step.value_or(1) / parameter.min;  // of a log scale
  const double k =
      parameter.scale == Scale::kLinear ? coordinate * count : std::expm1(coordinate * std::log1p(count * step)) / step;
  return CellAt(index, static_cast<int64_t>(std::clamp(std::floor(k), 0.0, count - 1)));
}

double Encoding::Encode(size_t index, const Value& value) const {
  const Parameter& parameter = space_->parameters()[index];
  switch (dimensions_[index].kind) {
    case Kind::kContinuous:
      return FractionOf(parameter, NumberOf(value));
    case Kind::kGrid: {
      const double k = std::round((NumberOf(value) - parameter.min) / parameter.step.value_or(1));
      return CellAt(index, static_cast<int64_t>(k)).centre();
    }
    case Kind::kCategory:
      return static_cast<double>(std::ranges::find(parameter.values, value) - parameter.values.begin());
  }
  return 0;
}

template <typename AnyConfiguration>
Encoding::Point Encoding::EncodeAll(const AnyConfiguration& configuration) const {
  Point point(size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t index = 0; index < size(); ++index) {
    if (const auto& value = configuration[index]) point[index] = Encode(index, *value);
  }
  return point;
}

Encoding::Point Encoding::Encode(const Configuration& configuration) const { return EncodeAll(configuration); }
Encoding::Point Encoding::Encode(const PackedConfiguration& configuration) const { return EncodeAll(configuration); }

Value Encoding::Decode(size_t index, double coordinate) const {
  if (dimensions_[index].kind != Kind::kCategory) {
    return ValueAtQuantile(*space_, index, std::clamp(coordinate, 0.0, 1.0));
  }
  const double last = static_cast<double>(dimensions_[index].count - 1);
  return space_->parameters()[index].values[static_cast<size_t>(std::clamp(coordinate, 0.0, last))];
}

}  // namespace athanor
