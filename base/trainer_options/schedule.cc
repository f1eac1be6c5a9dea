#include "base/trainer_options/tables.h"

namespace athanor {

using enum OptionType;

// clang-format off
std::vector<TrainerOption> ScheduleOptionTable() {
  return {
      {.name = "schedule", .type = kChoice, .default_value = std::string("constant"),
       .choices = {"constant", "step", "multistep", "exponential", "cosine", "warm_restarts", "one_cycle", "polynomial", "plateau",
                   "halve_on_plateau"},
       .help = "learning rate over the run", .search = "[constant, cosine, one_cycle]",
       .source = "worker/training/schedules/schedule.h gives the formulas"},
      {.name = "warmup_epochs", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e6,
       .help = "linear warm-up from 0, in epochs, before the schedule", .search = "[0, 1, 5]", .source = "Goyal et al. 2017, arXiv:1706.02677"},
      {.name = "step_epochs", .type = kFloat, .default_value = 10.0, .min = 0, .max = 1e6, .exclusive_min = true,
       .help = "step: epochs between decays", .search = "int 5..30"},
      {.name = "milestones", .type = kString, .default_value = std::string(""),
       .help = "multistep: epochs at which the rate decays, ascending, by commas: 30,60,80"},
      {.name = "decay_factor", .type = kFloat, .default_value = 0.1, .min = 0, .max = 1, .exclusive_min = true,
       .help = "step, multistep, plateau: factor at each decay; exponential: factor an epoch", .search = "float 0.1..0.9"},
      {.name = "min_learning_rate", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1000,
       .help = "cosine, warm_restarts, polynomial: rate at the end; plateau, halve_on_plateau: lowest rate"},
      {.name = "restart_epochs", .type = kFloat, .default_value = 10.0, .min = 0, .max = 1e6, .exclusive_min = true,
       .help = "warm_restarts: epochs of the first cycle (T_0)", .search = "int 1..20", .source = "Loshchilov and Hutter 2017, arXiv:1608.03983"},
      {.name = "restart_factor", .type = kInt, .default_value = int64_t{1}, .min = 1, .max = 100,
       .help = "warm_restarts: each cycle is so many times as long as the one before (T_mult)", .search = "[1, 2]",
       .source = "Loshchilov and Hutter 2017"},
      {.name = "peak_fraction", .type = kFloat, .default_value = 0.3, .min = 0, .max = 1, .exclusive_min = true, .exclusive_max = true,
       .help = "one_cycle: share of the run until the peak", .search = "float 0.1..0.5", .source = "Smith and Topin 2018, arXiv:1708.07120"},
      {.name = "initial_divisor", .type = kFloat, .default_value = 25.0, .min = 1, .max = 1e9,
       .help = "one_cycle: the rate starts at the peak divided by this", .source = "Smith and Topin 2018, in PyTorch's form"},
      {.name = "final_divisor", .type = kFloat, .default_value = 1e4, .min = 1, .max = 1e12,
       .help = "one_cycle: the rate ends at its start divided by this", .source = "Smith and Topin 2018, in PyTorch's form"},
      {.name = "decay_power", .type = kFloat, .default_value = 1.0, .min = 0, .max = 100, .exclusive_min = true,
       .help = "polynomial: exponent of the share of the run that is left", .search = "float 0.5..2", .source = "Chen et al. 2018, arXiv:1606.00915"},
      {.name = "plateau_patience", .type = kInt, .default_value = int64_t{5}, .min = 0, .max = 1e6,
       .help = "plateau, halve_on_plateau: measurements without a better objective before the rate falls", .search = "int 2..10"},
      {.name = "plateau_threshold", .type = kFloat, .default_value = 1e-4, .min = 0, .max = 1, .exclusive_max = true,
       .help = "plateau, halve_on_plateau: relative gain that counts as better", .source = "PyTorch's ReduceLROnPlateau"},
  };
}
// clang-format on

}  // namespace athanor
