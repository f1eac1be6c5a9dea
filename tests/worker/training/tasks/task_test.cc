#include "worker/training/tasks/task.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace athanor::training {
namespace {

const double kLn2 = std::log(2.0);

at::Tensor Rows(const std::vector<double>& values, int64_t columns) {
  return at::tensor(values, at::kFloat).view({-1, columns});
}
at::Tensor Labels(const std::vector<int64_t>& labels) { return at::tensor(labels, at::kLong); }

std::unique_ptr<Task> TaskOf(const TaskOptions& options, int64_t outputs) {
  return MakeTask({.options = options, .shape = {.outputs = outputs}}, at::kCPU);
}

TEST(Task, TrainsOnTheLossOfItsOptions) {
  struct Case {
    const char* what;
    TaskOptions options;
    at::Tensor outputs;
    at::Tensor targets;
    double expected;
  };
  const at::Tensor logits = Rows({0, kLn2, 0}, 3);        // (1/4, 1/2, 1/4)
  const at::Tensor binary = Rows({0, std::log(3.0)}, 2);  // 1/2 and 3/4
  const Case cases[] = {
      {"cross-entropy", {.loss = LossKind::kCrossEntropy}, logits, Labels({0}), 2 * kLn2},
      {"smoothing", {.loss = LossKind::kCrossEntropy, .label_smoothing = 0.3}, logits, Labels({1}), 1.2 * kLn2},
      {"focal", {.loss = LossKind::kFocal, .focal_gamma = 2}, logits, Labels({0}), 9.0 / 8 * kLn2},
      {"least squares", {.loss = LossKind::kMse}, Rows({1, 0.5, 0}, 3), Labels({0}), 1.0 / 12},
      {"labels",
       {.task = TaskKind::kMultiLabel, .loss = LossKind::kBinaryCrossEntropy},
       binary,
       Rows({1, 0}, 2),
       1.5 * kLn2},
      {"labels, focal",
       {.task = TaskKind::kMultiLabel, .loss = LossKind::kFocal, .focal_gamma = 2},
       binary,
       Rows({1, 0}, 2),
       11.0 / 16 * kLn2},
      {"numbers", {.task = TaskKind::kRegression, .loss = LossKind::kL1}, Rows({1, -2}, 2), Rows({0, 0}, 2), 1.5},
      {"inputs", {.task = TaskKind::kReconstruction, .loss = LossKind::kMse}, Rows({1, -2}, 2), Rows({0, 0}, 2), 2.5},
      {"inputs, smooth l1",
       {.task = TaskKind::kReconstruction, .loss = LossKind::kSmoothL1, .smooth_l1_beta = 0.5},
       Rows({1, -2}, 2),
       Rows({0, 0}, 2),
       1.25},
  };
  for (const Case& c : cases) {
    const auto task = TaskOf(c.options, c.outputs.size(1));
    EXPECT_NEAR(task->TrainingLoss(c.outputs, c.targets).item<double>(), c.expected, 1e-6) << c.what;
  }
}

TEST(Task, WeighsClassesByTheInverseOfTheirShare) {
  struct Case {
    std::vector<int64_t> counts;
    int64_t label;
    double weight;
  };
  const Case cases[] = {{{1, 3}, 0, 2}, {{1, 3}, 1, 2.0 / 3}, {{5, 5}, 1, 1}, {{0, 4}, 1, 0.5}};
  for (const LossKind loss : {LossKind::kCrossEntropy, LossKind::kFocal, LossKind::kMse}) {
    const TaskOptions options = {.loss = loss};
    for (const Case& c : cases) {
      const auto weighted = MakeTask(
          {.options = options, .shape = {.outputs = 2}, .class_weights = true, .class_counts = c.counts}, at::kCPU);
      const at::Tensor logits = Rows({0.25, -1}, 2);
      const double plain = TaskOf(options, 2)->TrainingLoss(logits, Labels({c.label})).item<double>();
      EXPECT_NEAR(weighted->TrainingLoss(logits, Labels({c.label})).item<double>(), c.weight * plain, 1e-6);
    }
  }
}

TEST(Task, AWeightedClassWithoutExamplesKeepsSmoothedLossesFinite) {
  const auto task = MakeTask(
      {.options = {.label_smoothing = 0.5}, .shape = {.outputs = 2}, .class_weights = true, .class_counts = {0, 4}},
      at::kCPU);
  // Half of the target and half of the smoothing are class 1's, whose weight is 1/2.
  EXPECT_NEAR(task->TrainingLoss(at::zeros({1, 2}), Labels({1})).item<double>(), 0.75 * 0.5 * kLn2, 1e-6);
}

TEST(Task, AnswersAreProbabilities) {
  const auto classes = TaskOf({}, 3);
  EXPECT_TRUE(classes->Answers(Rows({0, kLn2, 0}, 3)).allclose(Rows({0.25, 0.5, 0.25}, 3)));
  const auto labels = TaskOf({.task = TaskKind::kMultiLabel, .loss = LossKind::kBinaryCrossEntropy}, 2);
  EXPECT_TRUE(labels->Answers(Rows({0, std::log(3.0)}, 2)).allclose(Rows({0.5, 0.75}, 2)));
}

TEST(BatchLoss, MixesTheLossesOfBothTargets) {
  const auto task = TaskOf({}, 3);
  const at::Tensor logits = Rows({0, kLn2, 0}, 3);
  const Batch plain = {.inputs = {}, .targets = Labels({1}), .other_targets = {}};
  const Batch mixed = {.inputs = {}, .targets = Labels({1}), .other_targets = Labels({0}), .mix = 0.75};
  EXPECT_NEAR(BatchLoss(*task, logits, plain).item<double>(), kLn2, 1e-6);
  EXPECT_NEAR(BatchLoss(*task, logits, mixed).item<double>(), 0.75 * kLn2 + 0.25 * 2 * kLn2, 1e-6);
}

TEST(MetricNames, AreTheBasicOnesFirst) {
  using Strings = std::vector<std::string>;
  EXPECT_EQ(MetricNames(TaskKind::kClassification, MetricSet::kBasic), (Strings{"loss", "accuracy"}));
  EXPECT_EQ(MetricNames(TaskKind::kClassification, MetricSet::kFull),
            (Strings{"loss", "accuracy", "top5_accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc"}));
  EXPECT_EQ(MetricNames(TaskKind::kMultiLabel, MetricSet::kFull),
            (Strings{"loss", "accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc"}));
  EXPECT_EQ(MetricNames(TaskKind::kRegression, MetricSet::kFull), (Strings{"loss", "rmse", "mae", "r2"}));
  EXPECT_EQ(MetricNames(TaskKind::kReconstruction, MetricSet::kBasic), (Strings{"loss"}));
}

}  // namespace
}  // namespace athanor::training
