#include "worker/training/options/options.h"

#include <charconv>
#include <stdexcept>
#include <utility>

#include "worker/training/errors.h"
#include "worker/training/options/combinations.h"

namespace athanor::training {
namespace {

// The table has checked that the name is one of its choices, in the order of the enumeration.
template <typename Enum>
Enum Choice(const TrainerSettings& settings, const char* option) {
  const std::string value = settings.String(option);
  const std::vector<std::string_view>& choices = FindTrainerOption(option)->choices;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] == value) return static_cast<Enum>(i);
  }
  throw std::logic_error(std::string("option ") + option + " is " + value + ", which is not in its table");
}

TrainerSettings Settings(const NamedValues& given) {
  try {
    return TrainerSettings(given);
  } catch (const std::invalid_argument& refused) {
    throw InfeasibleError(refused.what());
  }
}

std::vector<double> Milestones(const std::string& text) {
  std::vector<double> milestones;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    double epoch = 0;
    const auto [next, error] = std::from_chars(at, end, epoch);
    const bool ascends = epoch > (milestones.empty() ? 0 : milestones.back());
    if (error != std::errc() || !ascends || (next != end && *next != ',') || next + 1 == end) {
      throw InfeasibleError("milestones " + text + ": want ascending epochs above 0, by commas, as in 30,60,80");
    }
    milestones.push_back(epoch);
    at = next == end ? end : next + 1;
  }
  return milestones;
}

DataOptions ParseData(const TrainerSettings& settings) {
  return {.kind = Choice<DatasetKind>(settings, "dataset"),
          .data_dir = settings.String("data_dir"),
          .target = settings.String("target"),
          .categories = Choice<CategoryCoding>(settings, "categories"),
          .max_train_examples = settings.Int("max_train_examples"),
          .max_test_examples = settings.Int("max_test_examples"),
          .validation_fraction = settings.Float("validation_fraction"),
          .test_fraction = settings.Float("test_fraction"),
          .split = Choice<SplitKind>(settings, "split"),
          .split_seed = static_cast<uint64_t>(settings.Int("split_seed")),
          .img_size = settings.Int("img_size")};
}

AugmentationOptions ParseAugmentation(const TrainerSettings& settings) {
  return {.crop_padding = settings.Int("crop_padding"),
          .flip_horizontal = settings.Bool("flip_horizontal"),
          .flip_vertical = settings.Bool("flip_vertical"),
          .rotation = settings.Float("rotation"),
          .scaling = settings.Float("scaling"),
          .translation = settings.Float("translation"),
          .brightness = settings.Float("brightness"),
          .contrast = settings.Float("contrast"),
          .cutout = settings.Int("cutout"),
          .mixup = settings.Float("mixup")};
}

ModelOptions ParseModel(const TrainerSettings& settings) {
  return {.architecture = Choice<Architecture>(settings, "model"),
          .hidden_units = settings.Int("hidden_units"),
          .hidden_layers = settings.Int("hidden_layers"),
          .channels = settings.Int("channels"),
          .blocks = settings.Int("blocks"),
          .kernel_size = settings.Int("kernel_size"),
          .patch_size = settings.Int("patch_size"),
          .width_multiplier = settings.Float("width_multiplier"),
          .embedding_units = settings.Int("embedding_units"),
          .category_units = settings.Int("category_units"),
          .pooling = Choice<BilinearPooling>(settings, "pooling"),
          .sketch_units = settings.Int("sketch_units"),
          .attention = Choice<Attention>(settings, "attention"),
          .activation = Choice<Activation>(settings, "activation"),
          .norm = Choice<Norm>(settings, "norm"),
          .dropout = settings.Float("dropout"),
          .channels_last = settings.Bool("channels_last"),
          .model_file = settings.String("model_file")};
}

LossKind ParseLoss(const TrainerSettings& settings, TaskKind task) {
  const auto choice = Choice<size_t>(settings, "loss");
  if (choice > 0) return static_cast<LossKind>(choice - 1);  // the first choice is auto
  switch (task) {
    case TaskKind::kClassification:
      return LossKind::kCrossEntropy;
    case TaskKind::kMultiLabel:
      return LossKind::kBinaryCrossEntropy;
    case TaskKind::kRegression:
    case TaskKind::kReconstruction:
      break;
  }
  return LossKind::kMse;
}

TaskOptions ParseTask(const TrainerSettings& settings) {
  const auto task = Choice<TaskKind>(settings, "task");
  return {.task = task,
          .loss = ParseLoss(settings, task),
          .label_smoothing = settings.Float("label_smoothing"),
          .focal_gamma = settings.Float("focal_gamma"),
          .smooth_l1_beta = settings.Float("smooth_l1_beta"),
          .wing_width = settings.Float("wing_width"),
          .wing_curvature = settings.Float("wing_curvature")};
}

OptimizerOptions ParseOptimizer(const TrainerSettings& settings) {
  return {.rule = Choice<UpdateRule>(settings, "optimizer"),
          .momentum = settings.Float("momentum"),
          .nesterov = settings.Bool("nesterov"),
          .beta1 = settings.Float("beta1"),
          .beta2 = settings.Float("beta2"),
          .rho = settings.Float("rho"),
          .epsilon = settings.Float("epsilon"),
          .lookahead_steps = settings.Int("lookahead_steps"),
          .lookahead_alpha = settings.Float("lookahead_alpha"),
          .weight_decay = settings.Float("weight_decay"),
          .decay_all = settings.Bool("decay_all")};
}

ScheduleOptions ParseSchedule(const TrainerSettings& settings) {
  return {.shape = Choice<ScheduleShape>(settings, "schedule"),
          .learning_rate = settings.Float("learning_rate"),
          .warmup_epochs = settings.Float("warmup_epochs"),
          .step_epochs = settings.Float("step_epochs"),
          .milestones = Milestones(settings.String("milestones")),
          .decay_factor = settings.Float("decay_factor"),
          .min_learning_rate = settings.Float("min_learning_rate"),
          .restart_epochs = settings.Float("restart_epochs"),
          .restart_factor = settings.Int("restart_factor"),
          .peak_fraction = settings.Float("peak_fraction"),
          .initial_divisor = settings.Float("initial_divisor"),
          .final_divisor = settings.Float("final_divisor"),
          .decay_power = settings.Float("decay_power"),
          .plateau_patience = settings.Int("plateau_patience"),
          .plateau_threshold = settings.Float("plateau_threshold")};
}

EarlyEndOptions ParseEarlyEnd(const TrainerSettings& settings) {
  return {.patience = settings.Int("patience"),
          .min_delta = settings.Float("min_delta"),
          .stop_at = settings.Has("stop_at") ? std::optional(settings.Float("stop_at")) : std::nullopt,
          .max_train_loss = settings.Float("max_train_loss")};
}

}  // namespace

TrainingOptions ParseTrainingOptions(const NamedValues& given) {
  const TrainerSettings settings = Settings(given);
  TrainingOptions options;
  options.data = ParseData(settings);
  options.rebalance = Choice<Rebalance>(settings, "rebalance");
  options.prior_bias = settings.Bool("prior_bias");
  options.augmentation = ParseAugmentation(settings);
  options.model = ParseModel(settings);
  options.transfer = {.pretrained = settings.String("pretrained"),
                      .pretrained_prefix = settings.String("pretrained_prefix"),
                      .freeze_epochs = settings.Float("freeze_epochs"),
                      .backbone_learning_rate_factor = settings.Float("backbone_learning_rate_factor")};
  options.task = ParseTask(settings);
  options.distillation = {.teacher = settings.String("teacher"),
                          .temperature = settings.Float("distillation_temperature"),
                          .weight = settings.Float("distillation_weight")};
  options.report = {.metrics = Choice<MetricSet>(settings, "metrics"),
                    .reports = settings.Bool("reports"),
                    .histogram_interval = settings.Int("histogram_interval"),
                    .sample_inputs = settings.Int("sample_inputs")};
  options.optimizer = ParseOptimizer(settings);
  options.schedule = ParseSchedule(settings);
  options.early_end = ParseEarlyEnd(settings);
  options.gradient_clip_norm = settings.Float("gradient_clip_norm");
  options.gradient_clip_value = settings.Float("gradient_clip_value");
  options.weight_average_decay = settings.Float("weight_average_decay");
  options.batch_size = settings.Int("batch_size");
  options.accumulation_steps = settings.Int("accumulation_steps");
  options.out_of_memory = Choice<OutOfMemory>(settings, "out_of_memory");
  options.precision = Choice<Precision>(settings, "precision");
  options.check = Choice<Check>(settings, "checks");
  options.epochs = settings.Int("epochs");
  options.steps = settings.Int("steps");
  options.evaluation_interval = settings.Int("evaluation_interval");
  options.threads = static_cast<int>(settings.Int("threads"));
  CheckCombinations(options);
  return options;
}

}  // namespace athanor::training
