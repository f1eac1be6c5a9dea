#include "server/search/gp_features.h"

#include <cmath>
#include <numbers>

namespace athanor {
namespace {

constexpr double kMiddle = 0.5;
constexpr double kChosen = 1 / std::numbers::sqrt2;

}  // namespace

GpFeatures::GpFeatures(const Encoding& encoding) : encoding_(encoding) {
  for (size_t parameter = 0; parameter < encoding.size(); ++parameter) {
    first_.push_back(parameter_of_.size());
    const Encoding::Dimension& dimension = encoding.dimension(parameter);
    const bool category = dimension.kind == Encoding::Kind::kCategory;
    const bool conditional = !encoding.space().parameters()[parameter].when.empty();
    const size_t width = (category ? static_cast<size_t>(dimension.count) : 1) + (conditional ? 1 : 0);
    parameter_of_.insert(parameter_of_.end(), width, parameter);
  }
}

std::optional<size_t> GpFeatures::NumberAt(size_t parameter) const {
  if (encoding_.dimension(parameter).kind == Encoding::Kind::kCategory) return std::nullopt;
  return first_[parameter];
}

void GpFeatures::Append(const Encoding::Point& point, std::vector<double>& to) const {
  for (size_t parameter = 0; parameter < point.size(); ++parameter) {
    const Encoding::Dimension& dimension = encoding_.dimension(parameter);
    const bool active = !std::isnan(point[parameter]);
    if (dimension.kind != Encoding::Kind::kCategory) {
      to.push_back(active ? point[parameter] : kMiddle);
    } else {
      const size_t first = to.size();
      to.resize(first + static_cast<size_t>(dimension.count));
      if (active) to[first + static_cast<size_t>(point[parameter])] = kChosen;
    }
    if (!encoding_.space().parameters()[parameter].when.empty()) to.push_back(active ? 1 : 0);
  }
}

}  // namespace athanor
