// The parts of the table of trainer options, one file each. Read through base/trainer_options.h.
#pragma once

#include <vector>

#include "base/trainer_options.h"

namespace athanor {

std::vector<TrainerOption> ModelOptionTable();
std::vector<TrainerOption> DataOptionTable();
std::vector<TrainerOption> TaskOptionTable();
std::vector<TrainerOption> OptimizerOptionTable();
std::vector<TrainerOption> ScheduleOptionTable();
std::vector<TrainerOption> RunOptionTable();

}  // namespace athanor
