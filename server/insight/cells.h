// The values of a parameter as a few ordered cells: what importance is computed over.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "server/core/search_space.h"
#include "server/insight/importance.h"

namespace athanor {

// One parameter. A number on its own scale: at most kNumberCells cells of equal width on [0, 1], or one a value where
// it has fewer. A category: one cell a value. A conditional parameter has one more, the first: inactive.
struct ParameterCells {
  static constexpr size_t kNumberCells = 32;

  bool is_category = false;
  bool has_inactive = false;
  std::vector<double> mass;      // [cells]: the prior, sum 1; that of `inactive` is the share seen in the trials
  std::vector<size_t> of_trial;  // [trials]: where each is
};

// By parameter.
std::vector<ParameterCells> CellsOf(const SearchSpace& space, std::span<const ScoredConfiguration> trials);

}  // namespace athanor
