// What is predicted: the loss that trains it and the measures that tell how well.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "worker/training/data/dataset.h"
#include "worker/training/data/shape.h"
#include "worker/training/options/task_options.h"
#include "worker/training/tasks/metrics.h"
#include "worker/training/tasks/report_file.h"

namespace athanor::training {

// Gathers outputs batch by batch and answers with measures over all of them. Used once. Not thread-safe.
class Scores {
 public:
  virtual ~Scores() = default;
  // outputs, targets: of one batch, on any device, without gradient. Draws no random number.
  virtual void Add(const at::Tensor& outputs, const at::Tensor& targets) = 0;
  // By name without the part's prefix: `loss`, `accuracy`, ... (MetricNames). Of outputs that are not finite the loss,
  // the areas under curves and the measures of numbers are not finite, and what counts answers counts them as wrong. A
  // measure that is not defined on these examples (a ROC curve of one class, R2 of a target that does not vary) is left
  // out; of no examples none is defined.
  virtual Metrics Values() = 0;
  // Tables and curves as files (class_reports.h; residuals.h for regression; none for reconstruction). They need what
  // only MetricSet::kFull gathers, and of the basic set there are none.
  virtual std::vector<ReportFile> Reports() = 0;
};

// Immutable, and so safe to share between threads.
class Task {
 public:
  virtual ~Task() = default;
  // What the outputs are compared with: the batch's targets, or for reconstruction its inputs.
  virtual const at::Tensor& TargetsOf(const Batch& batch) const { return batch.targets; }
  // Mean training loss over the batch, a differentiable scalar. outputs: the model's; targets: those of TargetsOf.
  virtual at::Tensor TrainingLoss(const at::Tensor& outputs, const at::Tensor& targets) const = 0;
  virtual std::unique_ptr<Scores> NewScores(MetricSet metrics) const = 0;
  // The outputs as a person wants them: probabilities [B, classes] (softmax, whatever the loss) or [B, labels]
  // (sigmoid), numbers in the file's unit, or the outputs themselves.
  virtual at::Tensor Answers(const at::Tensor& outputs) const = 0;
};

// The training loss of a batch that may be mixed: mix * L(outputs, targets) + (1 - mix) * L(outputs, other_targets)
// (Zhang et al. 2018, arXiv:1710.09412, section 2). Batches of a reconstruction have no other targets: Augmentation
// refuses to mix them.
at::Tensor BatchLoss(const Task& task, const at::Tensor& outputs, const Batch& batch);

// `class_counts`: of the training half; weights of classes (rebalance: class_weights) are n / (classes * n_c), 0 for a
// class without examples, and only then looked at. Tensors that the task keeps are on `device`. The loss must be one of
// the task's (options/combinations.h).
struct TaskSpec {
  TaskOptions options = {};
  Shape shape = {};
  Normalization normalization = {};
  bool class_weights = false;
  std::vector<int64_t> class_counts = {};
};
std::unique_ptr<Task> MakeTask(const TaskSpec& spec, const at::Device& device);

// The names that Scores of this task can give, basic ones first, each with val_ or test_ before it in a measurement:
//   classification   loss accuracy | top5_accuracy precision recall f1 roc_auc pr_auc
//   multi_label      loss accuracy | precision recall f1 roc_auc pr_auc
//   regression       loss rmse | mae r2
//   reconstruction   loss | mae r2
// loss: cross-entropy, binary cross-entropy or mean squared error without smoothing, weights and focus, in nats or
// squared standard deviations, whatever the training loss is, so that trials that train differently can be compared.
// rmse and mae: over all numbers of all examples, in the target's unit; of a reconstruction in standard deviations of
// the inputs. r2: 1 - sum of squared errors / sum of squared distances from the mean of these examples; the mean over
// the targets that vary, or for reconstruction one for all inputs together.
// accuracy of labels: share of single labels right at threshold 1/2, itself included. precision, recall, f1: means over
// classes (macro), 0 where a class was never predicted; classes that neither occur nor are predicted do not count.
// roc_auc, pr_auc: one against the rest, means over the classes that have both kinds of example; equal scores are told
// apart by no threshold; pr_auc is average precision. top5_accuracy: only with more than five classes.
std::vector<std::string> MetricNames(TaskKind task, MetricSet metrics);

}  // namespace athanor::training
