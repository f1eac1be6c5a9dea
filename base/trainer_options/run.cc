#include "base/trainer_options/tables.h"

namespace athanor {

using enum OptionType;

// clang-format off
std::vector<TrainerOption> RunOptionTable() {
  return {
      {.name = "epochs", .type = kInt, .default_value = int64_t{10}, .min = 1, .max = 1e6,
       .help = "passes over the training data; the horizon of the schedule"},
      {.name = "steps", .type = kInt, .default_value = int64_t{1000}, .min = 1, .max = 1e9,
       .help = "resource: step only: optimiser steps; the horizon of the schedule"},
      {.name = "evaluation_interval", .type = kInt, .default_value = int64_t{100}, .min = 1, .max = 1e9,
       .help = "resource: step only: optimiser steps between evaluations"},
      {.name = "batch_size", .type = kInt, .default_value = int64_t{128}, .min = 1, .max = 65536,
       .help = "examples an optimiser step", .search = "[32, 64, 128, 256, 512]"},
      {.name = "seed", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 9e15,
       .help = "training seed; left out, each trial gets its own from the study's seed"},
      {.name = "threads", .type = kInt, .default_value = int64_t{1}, .min = 1, .max = 1024,
       .help = "CPU threads a trial trains with; part of the configuration, since sums depend on it"},
      {.name = "precision", .type = kChoice, .default_value = std::string("float32"), .choices = {"float32", "bf16", "fp16"},
       .help = "of matrix products and convolutions (autocast); fp16, on CUDA only, with dynamic loss scaling", .search = "[float32, bf16]",
       .source = "Micikevicius et al. 2018, arXiv:1710.03740"},
      {.name = "channels_last", .type = kBool, .default_value = true,
       .help = "weights of convolutions, and with them images between layers, lie channels last in memory: faster, other roundings"},
      {.name = "out_of_memory", .type = kChoice, .default_value = std::string("fail"), .choices = {"fail", "accumulate"},
       .help = "when device memory runs out: the configuration is infeasible, or batches are trained in twice as many parts until they fit"},
      {.name = "patience", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e6,
       .help = "the trial ends after so many measurements without a better objective; 0 = never", .source = "Prechelt 1998"},
      {.name = "min_delta", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e12,
       .help = "patience: the gain that counts as better, in units of the objective"},
      {.name = "stop_at", .type = kFloat, .default_value = 0.0, .min = -1e300, .max = 1e300,
       .help = "the trial ends once the objective has reached this; left out (which is not 0), never"},
      {.name = "max_train_loss", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e300,
       .help = "a mean training loss above this counts as diverged, as a non-finite one always does; 0 = no bound"},
      {.name = "checks", .type = kChoice, .default_value = std::string("none"), .choices = {"none", "overfit_batch", "lr_range_test"},
       .help = "before training: one batch must be learnt by heart, or the trial is infeasible; or the loss against a rising learning rate "
               "is left as an artifact",
       .source = "Smith 2017, arXiv:1506.01186"},
  };
}
// clang-format on

}  // namespace athanor
