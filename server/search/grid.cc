#include "server/search/grid.h"

#include "absl/strings/str_cat.h"
#include "server/search/completion.h"

namespace athanor {
namespace {

constexpr auto kPoints = SearchSpace::Points::kUse;

}  // namespace

absl::StatusOr<std::unique_ptr<GridSearch>> GridSearch::Create(const SearchSpace& space) {
  for (size_t index = 0; index < space.size(); ++index) {
    if (space.CountValues(index, kPoints)) continue;
    return absl::InvalidArgumentError(absl::StrCat("parameters.", space.parameters()[index].name,
                                                   ": is continuous; want points or step under a grid"));
  }
  const auto count = space.CountConfigurations(kPoints);
  if (!count)
    return absl::InvalidArgumentError("search.method: grid has more than 2^62 points; want a smaller space or random");
  return std::unique_ptr<GridSearch>(new GridSearch(space, *count));
}

Configuration GridSearch::Suggest(const SearchView&, int64_t index, const Configuration& fixed) const {
  const Configuration point = space_.ConfigurationAt(index, kPoints);
  if (fixed.empty()) return point;
  return CompleteConfiguration(
      space_, fixed,
      [&](size_t parameter) { return point[parameter] ? *point[parameter] : space_.ValueAt(parameter, 0, kPoints); },
      [](size_t, const std::vector<Value>& allowed) { return allowed.front(); });
}

}  // namespace athanor
