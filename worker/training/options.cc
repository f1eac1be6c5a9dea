#include "worker/training/options.h"

#include <stdexcept>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

Architecture ParseArchitecture(const std::string& name) {
  return name == "mlp" ? Architecture::kMlp : Architecture::kLenet;
}

Activation ParseActivation(const std::string& name) {
  if (name == "tanh") return Activation::kTanh;
  if (name == "gelu") return Activation::kGelu;
  if (name == "silu") return Activation::kSilu;
  return Activation::kRelu;
}

UpdateRule ParseUpdateRule(const std::string& name) {
  if (name == "adam") return UpdateRule::kAdam;
  if (name == "adamw") return UpdateRule::kAdamW;
  return UpdateRule::kSgd;
}

ScheduleShape ParseScheduleShape(const std::string& name) {
  if (name == "step") return ScheduleShape::kStep;
  if (name == "cosine") return ScheduleShape::kCosine;
  return ScheduleShape::kConstant;
}

TrainerSettings Settings(const NamedValues& given) {
  try {
    return TrainerSettings(given);
  } catch (const std::invalid_argument& refused) {
    throw InfeasibleError(refused.what());
  }
}

void CheckCombinations(const TrainingOptions& options) {
  if (options.model.architecture == Architecture::kLenet && options.model.kernel_size % 2 == 0) {
    throw InfeasibleError(
        "kernel_size " + std::to_string(options.model.kernel_size) +
        " is even; lenet wants an odd one, so that the first convolution keeps the size of the image");
  }
  if (options.optimizer.rule == UpdateRule::kSgd && options.optimizer.nesterov && options.optimizer.momentum == 0) {
    throw InfeasibleError("nesterov needs momentum > 0");
  }
  if (options.schedule.shape == ScheduleShape::kCosine &&
      options.schedule.min_learning_rate > options.schedule.learning_rate) {
    throw InfeasibleError("min_learning_rate " + ToString(options.schedule.min_learning_rate) +
                          " is above learning_rate " + ToString(options.schedule.learning_rate));
  }
  if (options.model.batch_norm && options.batch_size == 1) {
    throw InfeasibleError("batch_norm needs a batch_size above 1");
  }
}

}  // namespace

TrainingOptions ParseTrainingOptions(const NamedValues& given) {
  const TrainerSettings settings = Settings(given);
  TrainingOptions options;
  options.data = {.dataset = settings.String("dataset"),
                  .data_dir = settings.String("data_dir"),
                  .max_train_examples = settings.Int("max_train_examples"),
                  .max_test_examples = settings.Int("max_test_examples"),
                  .validation_fraction = settings.Float("validation_fraction"),
                  .split_seed = static_cast<uint64_t>(settings.Int("split_seed"))};
  options.model = {.architecture = ParseArchitecture(settings.String("model")),
                   .hidden_units = settings.Int("hidden_units"),
                   .hidden_layers = settings.Int("hidden_layers"),
                   .channels = settings.Int("channels"),
                   .kernel_size = settings.Int("kernel_size"),
                   .activation = ParseActivation(settings.String("activation")),
                   .batch_norm = settings.Bool("batch_norm"),
                   .dropout = settings.Float("dropout")};
  options.optimizer = {.rule = ParseUpdateRule(settings.String("optimizer")),
                       .momentum = settings.Float("momentum"),
                       .nesterov = settings.Bool("nesterov"),
                       .beta1 = settings.Float("beta1"),
                       .beta2 = settings.Float("beta2"),
                       .epsilon = settings.Float("epsilon"),
                       .weight_decay = settings.Float("weight_decay")};
  options.schedule = {.shape = ParseScheduleShape(settings.String("schedule")),
                      .learning_rate = settings.Float("learning_rate"),
                      .warmup_epochs = settings.Float("warmup_epochs"),
                      .step_epochs = settings.Float("step_epochs"),
                      .decay_factor = settings.Float("decay_factor"),
                      .min_learning_rate = settings.Float("min_learning_rate")};
  options.label_smoothing = settings.Float("label_smoothing");
  options.gradient_clip_norm = settings.Float("gradient_clip_norm");
  options.batch_size = settings.Int("batch_size");
  options.epochs = settings.Int("epochs");
  options.steps = settings.Int("steps");
  options.evaluation_interval = settings.Int("evaluation_interval");
  options.threads = static_cast<int>(settings.Int("threads"));
  CheckCombinations(options);
  return options;
}

}  // namespace athanor::training
