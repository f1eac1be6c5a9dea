// The learning rate over the run (schedules/schedule.h). Epochs may be fractions.
#pragma once

#include <cstdint>
#include <vector>

namespace athanor::training {

enum class ScheduleShape {
  kConstant,
  kStep,
  kMultistep,
  kExponential,
  kCosine,
  kWarmRestarts,
  kOneCycle,
  kPolynomial,
  kPlateau,
  kHalveOnPlateau
};

struct ScheduleOptions {
  ScheduleShape shape = ScheduleShape::kConstant;
  double learning_rate = 0.01;          // peak; > 0
  double warmup_epochs = 0;             // linear from 0, before the shape; >= 0
  double step_epochs = 10;              // step: between decays; > 0
  std::vector<double> milestones = {};  // multistep: epochs, ascending, > 0
  double decay_factor = 0.1;            // step, multistep, plateau: at each decay; exponential: an epoch; (0, 1]
  double min_learning_rate = 0;         // [0, learning_rate]
  double restart_epochs = 10;           // warm restarts: T_0; > 0
  int64_t restart_factor = 1;           // warm restarts: T_mult
  double peak_fraction = 0.3;           // one cycle: share of the run until the peak; (0, 1)
  double initial_divisor = 25;          // one cycle; >= 1
  double final_divisor = 1e4;           // one cycle; >= 1
  double decay_power = 1;               // polynomial; > 0
  int64_t plateau_patience = 5;         // measurements; >= 0
  double plateau_threshold = 1e-4;      // relative; [0, 1)
};

}  // namespace athanor::training
