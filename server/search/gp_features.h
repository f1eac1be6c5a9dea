// Points of a search space as a Gaussian process sees them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "server/search/encoding.h"

namespace athanor {

// Coordinates by parameter, all under the parameter's one length scale:
//  * a number: its place in [0, 1] (Encoding);
//  * a category: one coordinate a value, sqrt(1/2) at the value that it has and 0 elsewhere, so that different
//    categories are 1 apart;
//  * a conditional parameter: one more, 1 where it is active and 0 elsewhere. Where it is inactive, a number stands in
//  the
//    middle of its range and a category at none of its values.
//
// Immutable; thread-safe; holds a reference to the encoding.
class GpFeatures {
 public:
  explicit GpFeatures(const Encoding& encoding);

  size_t coordinates() const { return parameter_of_.size(); }
  std::span<const size_t> parameter_of() const { return parameter_of_; }
  // The coordinate that holds a number; nullopt for a category.
  std::optional<size_t> NumberAt(size_t parameter) const;
  // Appends the coordinates of an encoded configuration.
  void Append(const Encoding::Point& point, std::vector<double>& to) const;

 private:
  const Encoding& encoding_;
  std::vector<size_t> first_;         // by parameter
  std::vector<size_t> parameter_of_;  // by coordinate
};

}  // namespace athanor
