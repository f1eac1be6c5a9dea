// Settings that are fine by themselves and cannot work together.
#pragma once

#include "worker/training/options/options.h"

namespace athanor::training {

// Throws InfeasibleError naming the options and their values. Looks at no file.
void CheckCombinations(const TrainingOptions& options);

}  // namespace athanor::training
