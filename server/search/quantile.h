// Where a number drawn from [0, 1) falls among the values of a parameter.
#pragma once

#include <cstdint>

#include "server/core/search_space.h"

namespace athanor {

// The value of parameter `index` below which the share `u`, in [0, 1), of its prior lies: uniform on its scale. Of
// countable values (ints, categories, floats with a step; `points` do not count) on a linear scale each has the same
// share; on a log scale the logarithm is uniform over [min, last + step) and rounded down to a value, so that each gets
// the share of its interval.
Value ValueAtQuantile(const SearchSpace& space, size_t index, double u);

}  // namespace athanor
