#include "base/trainer_options/tables.h"

namespace athanor {

using enum OptionType;

// clang-format off
std::vector<TrainerOption> OptimizerOptionTable() {
  return {
      {.name = "optimizer", .type = kChoice, .default_value = std::string("sgd"),
       .choices = {"sgd", "adagrad", "rmsprop", "adam", "adamw", "adabelief", "ranger", "lamb"},
       .help = "update rule; ranger is RAdam under Lookahead", .search = "[sgd, adamw]",
       .source = "worker/training/optimizers/optimizer.h names the papers"},
      {.name = "learning_rate", .type = kFloat, .default_value = 0.01, .min = 0, .max = 1000, .exclusive_min = true,
       .help = "peak step size", .search = "sgd: float 1e-3..1 log; adaptive rules: float 1e-5..1e-2 log"},
      {.name = "momentum", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "sgd, rmsprop: momentum", .search = "float 0.8..0.99", .source = "Sutskever et al. 2013"},
      {.name = "nesterov", .type = kBool, .default_value = false, .help = "sgd: Nesterov momentum; needs momentum > 0", .search = "[false, true]",
       .source = "Sutskever et al. 2013"},
      {.name = "beta1", .type = kFloat, .default_value = 0.9, .min = 0, .max = 1, .exclusive_max = true,
       .help = "adam, adamw, adabelief, ranger, lamb: decay of the first moment", .search = "float 0.8..0.95", .source = "Kingma and Ba 2015"},
      {.name = "beta2", .type = kFloat, .default_value = 0.999, .min = 0, .max = 1, .exclusive_max = true,
       .help = "adam, adamw, adabelief, ranger, lamb: decay of the second moment", .search = "[0.99, 0.999]", .source = "Kingma and Ba 2015"},
      {.name = "rho", .type = kFloat, .default_value = 0.99, .min = 0, .max = 1, .exclusive_max = true,
       .help = "rmsprop: decay of the mean square", .search = "float 0.9..0.999", .source = "Tieleman and Hinton 2012"},
      {.name = "epsilon", .type = kFloat, .default_value = 1e-8, .min = 0, .max = 1, .exclusive_min = true,
       .help = "adaptive rules: added to the denominator", .search = "float 1e-10..1e-3 log"},
      {.name = "lookahead_steps", .type = kInt, .default_value = int64_t{6}, .min = 1, .max = 1e6,
       .help = "ranger: optimiser steps between moves of the slow weights", .search = "int 5..10", .source = "Zhang et al. 2019, arXiv:1907.08610"},
      {.name = "lookahead_alpha", .type = kFloat, .default_value = 0.5, .min = 0, .max = 1, .exclusive_min = true,
       .help = "ranger: how far the slow weights move to the fast ones", .search = "float 0.3..0.8", .source = "Zhang et al. 2019, arXiv:1907.08610"},
      {.name = "weight_decay", .type = kFloat, .default_value = 0.0, .min = 0, .max = 100,
       .help = "L2 penalty (sgd, adagrad, rmsprop, adam) or decoupled decay (adamw, adabelief, ranger, lamb)", .search = "float 1e-6..1e-1 log",
       .source = "Loshchilov and Hutter 2019, arXiv:1711.05101"},
      {.name = "decay_all", .type = kBool, .default_value = true,
       .help = "whether weight decay also takes biases and the parameters of norms", .search = "[false, true]",
       .source = "He et al. 2019, arXiv:1812.01187"},
      {.name = "gradient_clip_norm", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e9,
       .help = "largest global L2 norm of the gradient; 0 = no clipping", .search = "float 0.1..10 log", .source = "Pascanu et al. 2013, arXiv:1211.5063"},
      {.name = "gradient_clip_value", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1e9,
       .help = "largest magnitude of any one gradient; 0 = no clipping"},
      {.name = "accumulation_steps", .type = kInt, .default_value = int64_t{1}, .min = 1, .max = 65536,
       .help = "parts that a batch is trained in, so that its activations fit into memory; batch_size stays what an optimiser step sees"},
      {.name = "weight_average_decay", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "decay a step of the exponential moving average of the weights, which is then what is measured and kept; 0 = none",
       .search = "[0, 0.99, 0.999]", .source = "Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv:1703.01780"},
  };
}
// clang-format on

}  // namespace athanor
