// ImportanceMethod::kPedAnova over cells; see importance.h.
#pragma once

#include <span>
#include <vector>

#include "server/insight/cells.h"

namespace athanor {

// `values`: oriented, one a trial.
std::vector<double> PedAnova(std::span<const ParameterCells> parameters, std::span<const double> values);

}  // namespace athanor
