#include "worker/training/tasks/task.h"

#include "worker/training/tasks/tasks.h"

namespace athanor::training {
namespace {

struct Names {
  std::vector<std::string> basic;
  std::vector<std::string> full;  // beside the basic ones
};

Names NamesOf(TaskKind task) {
  switch (task) {
    case TaskKind::kClassification:
      return {{"loss", "accuracy"}, {"top5_accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc"}};
    case TaskKind::kMultiLabel:
      return {{"loss", "accuracy"}, {"precision", "recall", "f1", "roc_auc", "pr_auc"}};
    case TaskKind::kRegression:
      return {{"loss", "rmse"}, {"mae", "r2"}};
    case TaskKind::kReconstruction:
      break;
  }
  return {{"loss"}, {"mae", "r2"}};
}

}  // namespace

std::unique_ptr<Task> MakeTask(const TaskSpec& spec, const at::Device& device) {
  switch (spec.options.task) {
    case TaskKind::kClassification:
      return MakeClassification(spec, device);
    case TaskKind::kMultiLabel:
      return MakeMultiLabel(spec);
    case TaskKind::kRegression:
      return MakeRegression(spec, device);
    case TaskKind::kReconstruction:
      break;
  }
  return MakeReconstruction(spec);
}

at::Tensor BatchLoss(const Task& task, const at::Tensor& outputs, const Batch& batch) {
  const at::Tensor loss = task.TrainingLoss(outputs, task.TargetsOf(batch));
  if (!batch.other_targets.defined()) return loss;
  return loss.mul(batch.mix).add(task.TrainingLoss(outputs, batch.other_targets), 1 - batch.mix);
}

std::vector<std::string> MetricNames(TaskKind task, MetricSet metrics) {
  Names names = NamesOf(task);
  if (metrics == MetricSet::kFull) names.basic.insert(names.basic.end(), names.full.begin(), names.full.end());
  return names.basic;
}

}  // namespace athanor::training
