#include "base/trainer_options/tables.h"

namespace athanor {

using enum OptionType;

// clang-format off
std::vector<TrainerOption> TaskOptionTable() {
  return {
      {.name = "task", .type = kChoice, .default_value = std::string("classification"),
       .choices = {"classification", "multi_label", "regression", "reconstruction"},
       .help = "what is predicted: one class, any set of labels, numbers, or the input itself"},
      {.name = "loss", .type = kChoice, .default_value = std::string("auto"),
       .choices = {"auto", "cross_entropy", "focal", "binary_cross_entropy", "mse", "l1", "smooth_l1", "wing"},
       .help = "training loss; auto: cross_entropy, binary_cross_entropy for multi_label, mse for the others", .search = "[mse, smooth_l1, wing]"},
      {.name = "label_smoothing", .type = kFloat, .default_value = 0.0, .min = 0, .max = 1, .exclusive_max = true,
       .help = "cross_entropy: share of the target spread evenly over all classes", .search = "float 0..0.2",
       .source = "Szegedy et al. 2016, arXiv:1512.00567"},
      {.name = "focal_gamma", .type = kFloat, .default_value = 2.0, .min = 0, .max = 10,
       .help = "focal: exponent that takes weight from what is classified well", .search = "float 0.5..5",
       .source = "Lin et al. 2017, arXiv:1708.02002"},
      {.name = "smooth_l1_beta", .type = kFloat, .default_value = 1.0, .min = 0, .max = 1e6, .exclusive_min = true,
       .help = "smooth_l1: error at which the square becomes a line, in standard deviations of the target", .search = "float 0.01..1 log", .source = "Girshick 2015, arXiv:1504.08083"},
      {.name = "wing_width", .type = kFloat, .default_value = 10.0, .min = 0, .max = 1e6, .exclusive_min = true,
       .help = "wing: error at which the logarithm becomes a line, in units of the targets", .search = "float 0.1..15 log",
       .source = "Feng et al. 2018, arXiv:1711.06753"},
      {.name = "wing_curvature", .type = kFloat, .default_value = 2.0, .min = 0, .max = 1e6, .exclusive_min = true,
       .help = "wing: the smaller, the steeper near zero", .search = "float 0.1..5 log", .source = "Feng et al. 2018, arXiv:1711.06753"},
      {.name = "teacher", .type = kString, .default_value = std::string(""),
       .help = "checkpoint of a trained classifier whose outputs are imitated; on the worker's disk",
       .source = "Hinton et al. 2015, arXiv:1503.02531"},
      {.name = "distillation_temperature", .type = kFloat, .default_value = 4.0, .min = 0, .max = 100, .exclusive_min = true,
       .help = "teacher: both softmaxes are softened by this factor", .search = "float 1..10 log", .source = "Hinton et al. 2015"},
      {.name = "distillation_weight", .type = kFloat, .default_value = 0.5, .min = 0, .max = 1,
       .help = "teacher: share of the imitation in the loss; the rest is that of the labels", .search = "float 0.1..0.9",
       .source = "Hinton et al. 2015"},
      {.name = "metrics", .type = kChoice, .default_value = std::string("basic"), .choices = {"basic", "full"},
       .help = "basic: losses and the task's first metric; full: also top-5, precision, recall, F1, ROC-AUC, PR-AUC, learning rate, gradient "
               "norm, examples/s, memory. An objective among the task's measures brings them by itself"},
      {.name = "reports", .type = kBool, .default_value = false,
       .help = "at the end, artifacts on the test part: per-class table, confusion matrix, ROC and PR curves"},
      {.name = "histogram_interval", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 1e6,
       .help = "steps of the resource between artifacts with histograms of all weights; 0 = none"},
      {.name = "sample_inputs", .type = kInt, .default_value = int64_t{0}, .min = 0, .max = 256,
       .help = "so many training inputs, augmented, are left as an artifact at the start and at each histogram_interval; 0 = none"},
  };
}
// clang-format on

}  // namespace athanor
