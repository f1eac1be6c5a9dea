#include "server/search/search_method.h"

#include "absl/strings/str_cat.h"
#include "server/search/cmaes.h"
#include "server/search/gp.h"
#include "server/search/grid.h"
#include "server/search/random.h"
#include "server/search/sobol.h"
#include "server/search/tpe.h"

namespace athanor {

SearchMethod::Work SearchMethod::Prepare(const SearchView& view, int64_t index, const Configuration& fixed) const {
  return [suggested = Suggest(view, index, fixed)] { return suggested; };
}

absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearchMethod(const StudySpec& spec, const SearchSpace& space) {
  const std::string& method = spec.search.effective_method();
  if (method == "grid") return GridSearch::Create(space);
  if (method == "random") return std::make_unique<RandomSearch>(space, spec.search.seed);
  if (method == "sobol") return SobolSearch::Create(space, spec.search.seed);
  if (method == "gp") return GpSearch::Create(space, spec.search);
  if (method == "tpe") return TpeSearch::Create(space, spec.search);
  if (method == "cmaes") return CmaesSearch::Create(space, spec.search.seed);
  return absl::InvalidArgumentError(
      absl::StrCat("search.method: \"", method, "\" is unknown; want auto, grid, random, sobol, tpe, gp or cmaes"));
}

}  // namespace athanor
