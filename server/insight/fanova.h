// ImportanceMethod::kFanova over cells; see importance.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/insight/cells.h"

namespace athanor {

// `values`: oriented, one a trial, at least one finite.
std::vector<double> Fanova(std::span<const ParameterCells> parameters, std::span<const double> values, uint64_t seed);

}  // namespace athanor
