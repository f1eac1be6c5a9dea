// Grid search: every distinct configuration once, in declared order, the last parameter fastest.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "server/search/search_method.h"

namespace athanor {

// The grid is a sum over branches: a parameter that is inactive is absent, and does not multiply (SEMANTICS section 2).
// Ints and floats with a step take every value, floats with points that many, evenly spaced on their scale.
//
// With `fixed`, point `index` keeps its own values where they still apply; a parameter that only the given values made
// active takes its first value, one whose own value would make a given one inactive the first that does not.
//
// Pure; thread-safe; a suggestion costs O(parameters). `seed` plays no part.
class GridSearch final : public SearchMethod {
 public:
  // INVALID_ARGUMENT naming the parameter on a float without points or step; naming search.method if there are more
  // than 2^62 points.
  static absl::StatusOr<std::unique_ptr<GridSearch>> Create(const SearchSpace& space);

  std::string_view name() const override { return "grid"; }
  std::optional<int64_t> Count() const override { return count_; }
  Configuration Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const override;

 private:
  GridSearch(const SearchSpace& space, int64_t count) : space_(space), count_(count) {}

  const SearchSpace& space_;
  int64_t count_;
};

}  // namespace athanor
