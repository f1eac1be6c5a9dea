#include "worker/training/options/combinations.h"

#include <string>

#include "worker/training/errors.h"

namespace athanor::training {
namespace {

void CheckModel(const TrainingOptions& options) {
  const ModelOptions& model = options.model;
  const bool sized_kernel = model.architecture == Architecture::kLenet || model.architecture == Architecture::kCnn;
  if (sized_kernel && model.kernel_size % 2 == 0) {
    throw InfeasibleError("kernel_size " + std::to_string(model.kernel_size) +
                          " is even; want an odd one, so that the convolution keeps the size of the image");
  }
  if (model.architecture == Architecture::kTorchScript && model.model_file.empty()) {
    throw InfeasibleError("model: torchscript needs model_file");
  }
  const bool autoencoder =
      model.architecture == Architecture::kAutoencoder || model.architecture == Architecture::kConvAutoencoder;
  if (options.task.task == TaskKind::kReconstruction && !autoencoder &&
      model.architecture != Architecture::kTorchScript) {
    throw InfeasibleError("task: reconstruction needs model: autoencoder, conv_autoencoder or torchscript");
  }
}

void CheckTask(const TrainingOptions& options) {
  const LossKind loss = options.task.loss;
  const TaskKind task = options.task.task;
  const bool of_classes = loss == LossKind::kCrossEntropy;
  const bool of_labels = loss == LossKind::kFocal || loss == LossKind::kBinaryCrossEntropy;
  const bool of_numbers = !of_classes && !of_labels;
  bool fits = true;
  switch (task) {
    case TaskKind::kClassification:
      fits = of_classes || loss == LossKind::kFocal || loss == LossKind::kMse;  // mse: least squares on one-hot targets
      break;
    case TaskKind::kMultiLabel:
      fits = of_labels;
      break;
    case TaskKind::kRegression:
    case TaskKind::kReconstruction:
      fits = of_numbers;
      break;
  }
  if (!fits) {
    throw InfeasibleError(
        "the loss is not one of the task's: classification takes cross_entropy, focal and mse (least squares); "
        "multi_label takes binary_cross_entropy and focal; regression and reconstruction take mse, l1, smooth_l1 and "
        "wing");
  }
  if (options.task.label_smoothing > 0 && !of_classes)
    throw InfeasibleError("label_smoothing needs loss: cross_entropy");
  const bool classification = task == TaskKind::kClassification;
  if (options.rebalance != Rebalance::kNone && !classification) {
    throw InfeasibleError("rebalance needs task: classification");
  }
  if (options.prior_bias && !classification) throw InfeasibleError("prior_bias needs task: classification");
  if (options.prior_bias && loss == LossKind::kMse) {
    throw InfeasibleError("prior_bias sets logits; with loss: mse the outputs are none");
  }
  if (!options.distillation.teacher.empty() && !classification) {
    throw InfeasibleError("teacher needs task: classification");
  }
}

void CheckSteps(const TrainingOptions& options) {
  if (options.optimizer.rule == UpdateRule::kSgd && options.optimizer.nesterov && options.optimizer.momentum == 0) {
    throw InfeasibleError("nesterov needs momentum > 0");
  }
  if (options.schedule.min_learning_rate > options.schedule.learning_rate) {
    throw InfeasibleError("min_learning_rate " + ToString(options.schedule.min_learning_rate) +
                          " is above learning_rate " + ToString(options.schedule.learning_rate));
  }
  if (options.schedule.shape == ScheduleShape::kMultistep && options.schedule.milestones.empty()) {
    throw InfeasibleError("schedule: multistep needs milestones");
  }
  if (options.accumulation_steps > options.batch_size) {
    throw InfeasibleError("accumulation_steps " + std::to_string(options.accumulation_steps) + " is above batch_size " +
                          std::to_string(options.batch_size));
  }
}

}  // namespace

void CheckCombinations(const TrainingOptions& options) {
  CheckModel(options);
  CheckTask(options);
  CheckSteps(options);
}

}  // namespace athanor::training
