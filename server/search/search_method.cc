#include "server/search/search_method.h"

#include "absl/strings/str_cat.h"
#include "server/search/grid.h"
#include "server/search/random.h"
#include "server/search/sobol.h"

namespace athanor {

absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearchMethod(const StudySpec& spec, const SearchSpace& space) {
  if (spec.search.method == "grid") return GridSearch::Create(space);
  if (spec.search.method == "random") return std::make_unique<RandomSearch>(space, spec.search.seed);
  if (spec.search.method == "sobol") return SobolSearch::Create(space, spec.search.seed);
  return absl::InvalidArgumentError(
      absl::StrCat("search.method: \"", spec.search.method, "\" is unknown; want grid, random or sobol"));
}

}  // namespace athanor
