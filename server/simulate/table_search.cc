#include "server/simulate/table_search.h"

#include <cmath>
#include <limits>
#include <utility>

#include "base/random.h"
#include "base/status.h"

namespace athanor {
namespace {

// "rows": sets the permutations apart from other uses of the seed. Those of different tasks are independent, too, or
// the luck of one seed would be that of all tasks.
constexpr uint64_t kRowStream = 0x726f7773;

}  // namespace

absl::StatusOr<std::unique_ptr<SearchMethod>> TableSearch::Create(const RecordedTask& task, const StudySpec& spec,
                                                                  const SearchSpace& space, RowsTaken& rows) {
  ATHANOR_ASSIGN_OR_RETURN(auto method, CreateSearchMethod(spec, space));
  const Draw draw = spec.search.effective_method() == "random" ? Draw::kPermuted : Draw::kNearest;
  return std::unique_ptr<SearchMethod>(new TableSearch(task, std::move(method), draw, spec.search.seed, rows));
}

Configuration TableSearch::Suggest(const SearchView& view, int64_t index, const Configuration& fixed) const {
  const size_t count = task_.rows().size();
  const int64_t row = draw_ == Draw::kPermuted
                          ? static_cast<int64_t>(Permute(HashWords({seed_, kRowStream, HashString(task_.name())}),
                                                         count, static_cast<uint64_t>(index)))
                          : Nearest(method_->Suggest(view, index, fixed));
  rows_.Take(row);
  return task_.rows()[static_cast<size_t>(row)].configuration;
}

int64_t TableSearch::Nearest(const Configuration& configuration) const {
  const std::vector<double> wanted = task_.Locate(configuration);
  const auto parameters = task_.space().parameters();
  int64_t nearest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (size_t row = 0; row < task_.rows().size(); ++row) {
    if (rows_.IsTaken(row)) continue;
    const std::span<const double> point = task_.PointOf(row);
    double distance = 0;
    for (size_t i = 0; i < wanted.size() && distance < least; ++i) {
      const bool missing = std::isnan(wanted[i]) || std::isnan(point[i]);
      if (missing || parameters[i].type == ParameterType::kCategorical) {
        const bool same = wanted[i] == point[i] || (std::isnan(wanted[i]) && std::isnan(point[i]));
        distance += same ? 0 : 1;
      } else {
        distance += (wanted[i] - point[i]) * (wanted[i] - point[i]);
      }
    }
    if (distance >= least) continue;
    least = distance;
    nearest = static_cast<int64_t>(row);
  }
  return nearest;
}

}  // namespace athanor
