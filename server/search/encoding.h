// Configurations as points: every number on [0, 1] of its own scale, so that models of a space need not know about
// logarithms, steps or types of values.
#pragma once

#include <cstdint>
#include <vector>

#include "server/core/packed_configuration.h"
#include "server/core/search_space.h"

namespace athanor {

// One coordinate a parameter, in the order of the space:
//  * kContinuous: how far the value is from min to max on its scale, in [0, 1].
//  * kGrid (ints and floats with a step): the centre of the value's cell. The cells of all values divide [0, 1] in
//    their order: equally on a linear scale, by logarithm over [min, last + step) on a log scale.
//  * kCategory: the index of the value, 0, 1, ...
//  * NaN where the parameter is inactive.
// Uniform coordinates are the prior of random search: ValueAtQuantile decodes them.
//
// Immutable; thread-safe; holds a reference to the space.
class Encoding {
 public:
  enum class Kind { kContinuous, kGrid, kCategory };
  struct Dimension {
    Kind kind = Kind::kContinuous;
    int64_t count = 0;  // values; 0 for kContinuous
  };
  struct Cell {
    int64_t index = 0;  // of the value
    double lower = 0;
    double upper = 1;
    double centre() const { return (lower + upper) / 2; }
  };
  using Point = std::vector<double>;

  explicit Encoding(const SearchSpace& space);

  const SearchSpace& space() const { return *space_; }
  size_t size() const { return dimensions_.size(); }
  const Dimension& dimension(size_t index) const { return dimensions_[index]; }

  // `value` is one of the parameter's values; of a float with a step, near one of them.
  double Encode(size_t index, const Value& value) const;
  Point Encode(const Configuration& configuration) const;
  Point Encode(const PackedConfiguration& configuration) const;
  // The value whose coordinate or cell this is. Coordinates outside [0, 1] (categories: [0, count)) are clamped, so the
  // result is always one of the parameter's values.
  Value Decode(size_t index, double coordinate) const;
  // kGrid: cell `k` of a parameter, 0 <= k < count; the cell that holds a coordinate in [0, 1].
  Cell CellAt(size_t index, int64_t k) const;
  Cell CellOf(size_t index, double coordinate) const;

 private:
  template <typename AnyConfiguration>
  Point EncodeAll(const AnyConfiguration& configuration) const;
  // kGrid: where value `k` begins; that of `count` is 1.
  double LowerEdge(size_t index, double k) const;

  const SearchSpace* space_;
  std::vector<Dimension> dimensions_;
};

}  // namespace athanor
