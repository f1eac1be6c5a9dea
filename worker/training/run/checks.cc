#include "worker/training/run/checks.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "worker/training/data/split.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

constexpr int kOverfitSteps = 300;
constexpr double kOverfitShare = 0.05;
constexpr double kOverfitLoss = 0.01;
constexpr int kRangeSteps = 100;
constexpr double kRangeStart = 1e-4;
constexpr double kRangeEnd = 10;
constexpr double kRangeBlowUp = 4;

// Batches of the first epoch, round and round, without augmentation.
class Batches {
 public:
  explicit Batches(const CheckSetting& setting) : setting_(setting) {
    const at::Tensor& train = setting.dataset.train_indices;
    const at::Tensor order = at::tensor(EpochOrder(train.size(0), setting.seed, 0), at::kLong).to(train.device());
    order_ = at::index_select(train, 0, order);
    size_ = std::min(setting.options.batch_size, order_.size(0));
  }

  Batch At(int64_t index) const {
    const int64_t start = index % (order_.size(0) / size_) * size_;
    return GatherBatch(setting_.dataset, setting_.dataset.training_part, order_.narrow(0, start, size_),
                       setting_.device);
  }

 private:
  const CheckSetting& setting_;
  at::Tensor order_;
  int64_t size_;
};

// The batch's training loss before the step.
double TrainOn(const Batch& batch, const CheckSetting& setting, double learning_rate, TrainingState& state) {
  state.model().SetMode(Mode::kTraining);
  state.parameters().ZeroGradients();
  const at::Tensor loss = setting.task.TrainingLoss(state.model().Forward(batch.inputs), setting.task.TargetsOf(batch));
  loss.backward();
  if (setting.options.gradient_clip_value > 0)
    state.parameters().ClipGradientValue(setting.options.gradient_clip_value);
  if (setting.options.gradient_clip_norm > 0) state.parameters().ClipGradientNorm(setting.options.gradient_clip_norm);
  state.optimizer().Step(++state.progress.optimizer_step, learning_rate);
  setting.heartbeat();
  return loss.item<double>();
}

double PlainLoss(const Batch& batch, const CheckSetting& setting, Mode mode, TrainingState& state) {
  const c10::NoGradGuard no_grad;
  state.model().SetMode(mode);
  const std::unique_ptr<Scores> scores = setting.task.NewScores(MetricSet::kBasic);
  scores->Add(state.model().Forward(batch.inputs), setting.task.TargetsOf(batch));
  return scores->Values().at("loss");
}

}  // namespace

void CheckOverfitting(const CheckSetting& setting, TrainingState& state) {
  const Batch batch = Batches(setting).At(0);
  const double first = PlainLoss(batch, setting, Mode::kTraining, state);
  const double wanted = std::max(kOverfitLoss, kOverfitShare * first);
  constexpr int kLookEvery = 10;
  double reached = first;
  for (int step = 1; step <= kOverfitSteps; ++step) {
    TrainOn(batch, setting, setting.options.schedule.learning_rate, state);
    if (step % kLookEvery != 0) continue;
    // In training mode, where batch normalisation goes by the batch's own statistics, or in evaluation mode, where
    // dropout hides nothing of what was learnt.
    reached = PlainLoss(batch, setting, Mode::kTraining, state);
    reached = std::min(reached, PlainLoss(batch, setting, Mode::kEvaluation, state));
    if (reached <= wanted) return;
    if (!std::isfinite(reached)) break;
  }
  throw InfeasibleError("overfit_batch: the loss on one batch of " + std::to_string(batch.inputs.size(0)) +
                        " examples went from " + ToString(Value(first)) + " to " + ToString(Value(reached)) +
                        " only, in " + std::to_string(state.progress.optimizer_step) + " steps; want at most " +
                        ToString(Value(wanted)));
}

ReportFile LearningRateRange(const CheckSetting& setting, TrainingState& state) {
  const Batches batches(setting);
  std::string csv = "learning_rate,loss\n";
  double lowest = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kRangeSteps; ++step) {
    const double rate = setting.options.schedule.learning_rate * kRangeStart *
                        std::pow(kRangeEnd / kRangeStart, static_cast<double>(step) / (kRangeSteps - 1));
    const double loss = TrainOn(batches.At(step), setting, rate, state);
    csv += ToString(Value(rate)) + "," + ToString(Value(loss)) + "\n";
    lowest = std::min(lowest, loss);
    if (!std::isfinite(loss) || loss > kRangeBlowUp * lowest) break;
  }
  return {.name = "lr_range.csv", .contents = csv};
}

}  // namespace athanor::training
