#include "worker/training/run/training_run.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "worker/training/data/split.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

// On a GPU, looking at the loss makes the host wait for it; diverging is noticed this many steps late at most. A
// multiple of optimiser steps, not a time, so that a run ends at the same step whenever it is repeated.
constexpr int64_t kDeviceLossCheckSteps = 32;

bool Better(Goal goal, double value, double best) {
  if (!std::isfinite(value)) return false;
  if (!std::isfinite(best)) return true;
  return goal == Goal::kMaximize ? value > best : value < best;
}

Metrics Prefixed(const std::string& prefix, const Metrics& metrics) {
  Metrics prefixed;
  for (const auto& [name, value] : metrics) prefixed[prefix + name] = value;
  return prefixed;
}

// Batch normalisation cannot learn from one example, so a last batch of one is left out.
int64_t ExamplesPerEpoch(const Dataset& dataset, const TrainingOptions& options) {
  const int64_t count = dataset.train_indices.size(0);
  if (options.model.norm != Norm::kBatch || count % options.batch_size != 1) return count;
  if (count == 1) throw InfeasibleError("norm: batch cannot train on a single example");
  return count - 1;
}

}  // namespace

std::string TrialIdentity(const TrialSpec& spec, const Dataset& dataset) {
  std::string identity = "seed " + std::to_string(spec.seed) + "\ndata " + dataset.hash + "\n";
  for (const auto& [name, value] : spec.options) {
    // Where the data lie does not matter, only what they are.
    if (name != "data_dir") identity += name + " " + TypeName(value) + " " + ToString(value) + "\n";
  }
  return identity;
}

TrainingRun::TrainingRun(const TrialSpec& spec, const TrainingOptions& options, const at::Device& device,
                         DatasetCache& datasets, const Clock& clock, TrainingEvents& events, TrainingControl& control)
    : spec_(spec),
      options_(options),
      device_(device),
      events_(events),
      control_(control),
      pacer_(clock, spec.checkpoint_interval) {
  dataset_ = datasets.Get(options.data, options.task.task, device, options.threads, [this] { ReportProgress(); });
  task_ = MakeTask({.options = options.task,
                    .shape = dataset_->shape,
                    .normalization = dataset_->normalization,
                    .class_weights = options.rebalance == Rebalance::kClassWeights,
                    .class_counts = dataset_->class_counts},
                   device);
  const int64_t examples = ExamplesPerEpoch(*dataset_, options);
  const int64_t steps_per_epoch = (examples + options.batch_size - 1) / options.batch_size;
  plan_.emplace(spec.resource, steps_per_epoch, options.evaluation_interval, spec.until, spec.hold_at);
  const int64_t horizon = spec.resource == Resource::kEpoch ? options.epochs * steps_per_epoch : options.steps;
  schedule_.emplace(options.schedule, steps_per_epoch, horizon);
  state_ = std::make_unique<TrainingState>(options, dataset_->shape, device, spec.seed, TrialIdentity(spec, *dataset_));
  RestoreNewest();
}

void TrainingRun::RestoreNewest() {
  for (const std::filesystem::path& path : spec_.checkpoints) {
    try {
      state_->Restore(ReadCheckpoint(path));
      return;
    } catch (const CheckpointError& error) {
      events_.OnWarning("skipping checkpoint " + path.string() + ": " + error.what());
    }
  }
}

TrialResult TrainingRun::Run() {
  Progress& progress = state_->progress;
  events_.OnStarted({.resumed_step = progress.step,
                     .threads = options_.threads,
                     .dataset_hash = dataset_->hash,
                     .device = device_.str()});
  pacer_.StartTraining(progress.elapsed_ms);
  while (progress.optimizer_step < plan_->total_optimizer_steps()) {
    if (std::optional<TrialResult> ended = Advance()) return *ended;
  }
  return Finish();
}

std::optional<TrialResult> TrainingRun::Advance() {
  Progress& progress = state_->progress;
  TrainBatch();
  progress.step = plan_->FinishedStep(progress.optimizer_step);
  if (LossChecked()) SettleLoss();
  if (!std::isfinite(progress.window_loss)) return EndDiverged();
  if (plan_->Measures(progress.optimizer_step)) {
    if (std::optional<TrialResult> ended = AtMeasurement()) return ended;
  }
  ReportProgress();
  if (std::optional<TrialResult> ended = Obey()) return ended;
  if (pacer_.CheckpointDue()) SaveCheckpoint();
  return std::nullopt;
}

void TrainingRun::TrainBatch() {
  TrainingState& state = *state_;
  const Batch batch = GatherBatch(*dataset_, dataset_->training_part, NextIndices(), device_);
  state.model().SetMode(Mode::kTraining);
  const at::Tensor loss = task_->TrainingLoss(state.model().Forward(batch.inputs), task_->TargetsOf(batch));
  state.parameters().ZeroGradients();
  loss.backward();
  if (options_.gradient_clip_norm > 0) state.parameters().ClipGradientNorm(options_.gradient_clip_norm);
  const double rate = schedule_->At(state.progress.optimizer_step);
  ++state.progress.optimizer_step;
  state.optimizer().Step(state.progress.optimizer_step, rate);
  CountLoss(loss.detach(), batch.inputs.size(0));
}

at::Tensor TrainingRun::NextIndices() {
  const int64_t epoch = state_->progress.optimizer_step / plan_->steps_per_epoch();
  if (epoch != order_epoch_) {
    const std::vector<int64_t> order = EpochOrder(dataset_->train_indices.size(0), spec_.seed, epoch);
    const at::Tensor permutation = at::tensor(order, at::kLong).to(device_);
    order_ =
        at::index_select(dataset_->train_indices, 0, permutation).narrow(0, 0, ExamplesPerEpoch(*dataset_, options_));
    order_epoch_ = epoch;
  }
  const int64_t start = state_->progress.optimizer_step % plan_->steps_per_epoch() * options_.batch_size;
  return order_.narrow(0, start, std::min(options_.batch_size, order_.size(0) - start));
}

void TrainingRun::CountLoss(const at::Tensor& loss, int64_t examples) {
  const at::Tensor weighted = loss.to(at::kDouble) * static_cast<double>(examples);
  pending_loss_ = pending_loss_.defined() ? pending_loss_ + weighted : weighted;
  last_loss_ = loss;
  state_->progress.window_examples += examples;
  examples_since_report_ += examples;
}

void TrainingRun::SettleLoss() {
  if (!pending_loss_.defined()) return;
  state_->progress.window_loss += pending_loss_.item<double>();
  pending_loss_.reset();
}

bool TrainingRun::LossChecked() const {
  const int64_t step = state_->progress.optimizer_step;
  return device_.is_cpu() || step % kDeviceLossCheckSteps == 0 || plan_->Measures(step);
}

std::optional<TrialResult> TrainingRun::AtMeasurement() {
  Progress& progress = state_->progress;
  const Metrics metrics = Measure();
  TrackBest(metrics);
  if (plan_->EndsWindow(progress.optimizer_step)) {
    progress.window_loss = 0;
    progress.window_examples = 0;
  }
  const bool hold = plan_->Holds(progress.step);
  if (hold) SaveCheckpoint();
  events_.OnMetrics(progress.step, metrics, pacer_.ElapsedMs());
  if (hold) return Hold();
  return std::nullopt;
}

std::unique_ptr<Scores> TrainingRun::Evaluate(const Examples& examples, const at::Tensor& indices) {
  return training::Evaluate(state_->model(), *task_, options_.report.metrics, *dataset_, examples, indices, device_,
                            [this] { ReportProgress(); });
}

Metrics TrainingRun::Measure() {
  const Progress& progress = state_->progress;
  Metrics metrics = Prefixed("val_", Evaluate(dataset_->training_part, dataset_->validation_indices)->Values());
  metrics["train_loss"] = progress.window_loss / static_cast<double>(progress.window_examples);
  return metrics;
}

void TrainingRun::TrackBest(const Metrics& metrics) {
  const auto objective = metrics.find(spec_.objective);
  if (objective == metrics.end()) return;
  Progress& progress = state_->progress;
  if (progress.best_step > 0 && !Better(spec_.goal, objective->second, progress.best_value)) return;
  progress.best_value = objective->second;
  progress.best_step = progress.step;
  progress.best_optimizer_step = progress.optimizer_step;
  state_->KeepBest();
}

std::optional<TrialResult> TrainingRun::Hold() {
  pacer_.Suspend();
  for (;;) {
    switch (control_.AwaitAnswer()) {
      case Command::kNone:
      case Command::kCheckpoint:
        continue;
      case Command::kContinue:
        pacer_.Resume();
        return std::nullopt;
      case Command::kPause:
        return TrialResult{.ending = Ending::kPaused, .step = state_->progress.step};
      case Command::kStop:
        return TrialResult{.ending = Ending::kStopped, .step = state_->progress.step};
    }
  }
}

std::optional<TrialResult> TrainingRun::Obey() {
  switch (control_.Poll()) {
    case Command::kNone:
    case Command::kContinue:
      break;
    case Command::kCheckpoint:
      SaveCheckpoint();
      break;
    case Command::kPause:
      SaveCheckpoint();
      return TrialResult{.ending = Ending::kPaused, .step = state_->progress.step};
    case Command::kStop:
      return TrialResult{.ending = Ending::kStopped, .step = state_->progress.step};
  }
  return std::nullopt;
}

TrialResult TrainingRun::EndDiverged() {
  const Progress& progress = state_->progress;
  const Metrics metrics = Measure();
  events_.OnMetrics(plan_->StepInProgress(progress.optimizer_step), metrics, pacer_.ElapsedMs());
  return {.ending = Ending::kInfeasible,
          .step = progress.step,
          .reason = "diverged: the training loss is " + ToString(metrics.at("train_loss")) + " at optimiser step " +
                    std::to_string(progress.optimizer_step)};
}

TrialResult TrainingRun::Finish() {
  state_->RestoreBest();
  const int64_t count = dataset_->test.count();
  const at::Tensor all = at::arange(count, at::TensorOptions().dtype(at::kLong).device(device_));
  return {.ending = Ending::kDone,
          .step = state_->progress.step,
          .metrics = Prefixed("test_", Evaluate(dataset_->test, all)->Values())};
}

void TrainingRun::SaveCheckpoint() {
  SettleLoss();
  Progress& progress = state_->progress;
  progress.elapsed_ms = pacer_.ElapsedMs();
  std::optional<WrittenCheckpoint> written;
  try {
    written = WriteCheckpoint(spec_.checkpoint_dir, "step-" + std::to_string(progress.step), state_->Save());
  } catch (const CheckpointError& error) {
    // A full disk is no reason to lose what is trained already.
    events_.OnWarning("going on without a checkpoint of step " + std::to_string(progress.step) + ": " + error.what());
  }
  pacer_.CheckpointWritten();  // or not; then the next interval tries again
  if (!written.has_value()) return;
  events_.OnCheckpointSaved(
      {.step = progress.step,
       .path = written->path,
       .sha256 = written->sha256,
       .size = written->size,
       .best = progress.best_step > 0 && progress.best_optimizer_step == progress.optimizer_step});
}

void TrainingRun::ReportProgress() {
  double seconds = 0;
  if (!pacer_.ReportDue(seconds)) return;
  ProgressReport report;
  if (state_ != nullptr) {
    report.optimizer_step = state_->progress.optimizer_step;
    report.fraction =
        std::min(1.0, static_cast<double>(report.optimizer_step) / static_cast<double>(plan_->total_optimizer_steps()));
  }
  if (last_loss_.defined()) report.train_loss = last_loss_.item<double>();
  report.examples_per_second = static_cast<double>(examples_since_report_) / seconds;
  examples_since_report_ = 0;
  events_.OnProgress(report);
}

}  // namespace athanor::training
