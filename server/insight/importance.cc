#include "server/insight/importance.h"

#include "server/insight/cells.h"
#include "server/insight/fanova.h"
#include "server/insight/ped_anova.h"

namespace athanor {

std::vector<double> ParameterImportance(const SearchSpace& space, std::span<const ScoredConfiguration> trials,
                                        ImportanceMethod method, uint64_t seed) {
  std::vector<double> values;
  for (const ScoredConfiguration& trial : trials) values.push_back(trial.value);
  const std::vector<ParameterCells> cells = CellsOf(space, trials);
  switch (method) {
    case ImportanceMethod::kPedAnova:
      return PedAnova(cells, values);
    case ImportanceMethod::kFanova:
      return Fanova(cells, values, seed);
  }
  return {};
}

}  // namespace athanor
