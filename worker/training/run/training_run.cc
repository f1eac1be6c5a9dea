#include "worker/training/run/training_run.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "worker/training/data/split.h"
#include "worker/training/errors.h"
#include "worker/training/run/checks.h"
#include "worker/training/run/objective.h"
#include "worker/training/run/runtime.h"
#include "worker/training/run/trial_identity.h"
#include "worker/training/tasks/histograms.h"
#include "worker/training/tasks/sample_inputs.h"

namespace athanor::training {
namespace {

// On a GPU, looking at the loss makes the host wait for it; diverging is noticed this many steps late at most. A
// multiple of optimiser steps, not a time, so that a run ends at the same step whenever it is repeated.
constexpr int64_t kDeviceLossCheckSteps = 32;

Metrics Prefixed(const std::string& prefix, const Metrics& metrics) {
  Metrics prefixed;
  for (const auto& [name, value] : metrics) prefixed[prefix + name] = value;
  return prefixed;
}

// Batch normalisation may not learn from one example, so a last batch of one is left out.
int64_t ExamplesPerEpoch(const Dataset& dataset, const TrainingOptions& options) {
  const int64_t count = dataset.train_indices.size(0);
  if (!NormalizesOverBatch(options.model)) return count;
  if (options.batch_size == 1) {
    if (options.model.architecture == Architecture::kTorchScript) return count;  // which may normalise nothing
    throw InfeasibleError("batch_size 1: a model with batch normalisation needs 2 or more");
  }
  if (count % options.batch_size != 1) return count;
  if (count == 1) throw InfeasibleError("a model with batch normalisation cannot train on a single example");
  return count - 1;
}

}  // namespace

TrainingRun::TrainingRun(const TrialSpec& spec, const TrainingOptions& options, const at::Device& device,
                         DatasetCache& datasets, const Clock& clock, TrainingEvents& events, TrainingControl& control)
    : spec_(spec),
      options_(options),
      device_(device),
      events_(events),
      control_(control),
      pacer_(clock, spec.checkpoint_interval),
      artifacts_(spec.checkpoint_dir, events),
      metric_set_(WantedMetrics(spec.objective, options)) {
  CheckObjective(spec.objective, options);
  dataset_ = datasets.Get(options.data, options.task.task, device, options.threads, [this] { ReportProgress(); });
  task_ = MakeTask({.options = options.task,
                    .shape = dataset_->shape,
                    .normalization = dataset_->normalization,
                    .class_weights = options.rebalance == Rebalance::kClassWeights,
                    .class_counts = dataset_->class_counts},
                   device);
  if (!options.distillation.teacher.empty()) {
    teacher_ =
        std::make_unique<Teacher>(options.distillation.teacher, dataset_->shape, dataset_->normalization, device);
  }
  const std::string identity = TrialIdentity(spec, options, *dataset_);
  state_ = RestoreNewest(identity);
  const bool fresh = state_ == nullptr;
  if (fresh) state_ = StartFresh(identity);
  MakePlan();
  if (fresh) LeaveSampleInputs();
}

std::unique_ptr<TrainingState> TrainingRun::RestoreNewest(const std::string& identity) {
  for (const std::filesystem::path& path : spec_.checkpoints) {
    try {
      const CheckpointSections sections = ReadCheckpoint(path);
      std::vector<std::string> notes;
      auto state = std::make_unique<TrainingState>(options_, *dataset_, device_, spec_.seed, identity, spec_.options,
                                                   Start::kCheckpoint, notes);
      state->Restore(sections);
      return state;
    } catch (const CheckpointError& error) {
      events_.OnWarning("skipping checkpoint " + path.string() + ": " + error.what());
    }
  }
  return nullptr;
}

std::unique_ptr<TrainingState> TrainingRun::StartFresh(const std::string& identity) {
  const auto make = [&](std::vector<std::string>& notes) {
    return std::make_unique<TrainingState>(options_, *dataset_, device_, spec_.seed, identity, spec_.options,
                                           Start::kFresh, notes);
  };
  std::vector<std::string> notes;
  if (options_.check != Check::kNone) {
    // On a state of its own, so that the training afterwards is what it would have been without.
    std::unique_ptr<TrainingState> probe = make(notes);
    const CheckSetting setting = {options_, *dataset_, *task_, device_, spec_.seed, [this] { ReportProgress(); }};
    if (options_.check == Check::kOverfitBatch) {
      CheckOverfitting(setting, *probe);
    } else {
      artifacts_.Leave(0, LearningRateRange(setting, *probe));
    }
  }
  std::unique_ptr<TrainingState> state = make(notes);
  for (const std::string& note : notes) events_.OnWarning(note);
  return state;
}

void TrainingRun::MakePlan() {
  const int64_t examples = ExamplesPerEpoch(*dataset_, options_);
  const int64_t steps_per_epoch = (examples + options_.batch_size - 1) / options_.batch_size;
  if (spec_.until > std::numeric_limits<int64_t>::max() / steps_per_epoch) {
    throw InfeasibleError("until " + std::to_string(spec_.until) + ": more optimiser steps than can be counted");
  }
  plan_.emplace(spec_.resource, steps_per_epoch, options_.evaluation_interval, spec_.until, spec_.hold_at);
  const int64_t horizon = spec_.resource == Resource::kEpoch ? options_.epochs * steps_per_epoch : options_.steps;
  schedule_.emplace(options_.schedule, steps_per_epoch, horizon);
  const int64_t freeze_steps = std::llround(options_.transfer.freeze_epochs * static_cast<double>(steps_per_epoch));
  step_.emplace(options_, *dataset_, *task_, teacher_.get(), *schedule_, freeze_steps, spec_.seed, device_);
}

TrialResult TrainingRun::Run() {
  Progress& progress = state_->progress;
  events_.OnStarted({.resumed_step = progress.step,
                     .threads = options_.threads,
                     .dataset_hash = dataset_->hash,
                     .device = device_.str()});
  pacer_.StartTraining(progress.elapsed_ms);
  measured_ms_ = progress.elapsed_ms;
  while (progress.early_end.ended == 0 && progress.optimizer_step < plan_->total_optimizer_steps()) {
    if (std::optional<TrialResult> ended = Advance()) return *ended;
  }
  return Finish();
}

std::optional<TrialResult> TrainingRun::Advance() {
  Progress& progress = state_->progress;
  TrainBatch();
  const int64_t finished = plan_->FinishedStep(progress.optimizer_step);
  const bool advanced = finished > progress.step;
  progress.step = finished;
  if (LossChecked()) SettleLoss();
  if (!std::isfinite(progress.window_loss)) return EndDiverged(Measure());
  if (advanced) LeaveSnapshot();
  if (plan_->Measures(progress.optimizer_step)) {
    if (std::optional<TrialResult> ended = AtMeasurement()) return ended;
    if (progress.early_end.ended != 0) return Finish();
  }
  ReportProgress();
  if (std::optional<TrialResult> ended = Obey()) return ended;
  if (pacer_.CheckpointDue()) SaveCheckpoint();
  return std::nullopt;
}

void TrainingRun::TrainBatch() {
  const at::Tensor indices = NextIndices();
  const bool measures = plan_->Measures(state_->progress.optimizer_step + 1);
  const bool reported = measures && options_.report.metrics == MetricSet::kFull;
  last_ = step_->Run(indices, *state_, reported ? GradientNorm::kMeasure : GradientNorm::kSkip);
  CountLoss(last_.loss, indices.size(0));
}

at::Tensor TrainingRun::NextIndices() {
  const int64_t epoch = state_->progress.optimizer_step / plan_->steps_per_epoch();
  if (epoch != order_epoch_) {
    order_ = OrderOf(epoch);
    order_epoch_ = epoch;
  }
  const int64_t start = state_->progress.optimizer_step % plan_->steps_per_epoch() * options_.batch_size;
  return order_.narrow(0, start, std::min(options_.batch_size, order_.size(0) - start));
}

at::Tensor TrainingRun::OrderOf(int64_t epoch) {
  const at::Tensor& train = dataset_->train_indices;
  std::vector<int64_t> order;
  if (options_.rebalance == Rebalance::kOversample) {
    if (train_classes_.empty()) {
      const at::Tensor classes = at::index_select(dataset_->training_part.targets, 0, train).to(at::kCPU);
      train_classes_.assign(classes.data_ptr<int64_t>(), classes.data_ptr<int64_t>() + classes.numel());
    }
    order = BalancedEpochOrder(train_classes_, spec_.seed, epoch);
  } else {
    order = EpochOrder(train.size(0), spec_.seed, epoch);
  }
  const at::Tensor permutation = at::tensor(order, at::kLong).to(train.device());
  return at::index_select(train, 0, permutation).narrow(0, 0, ExamplesPerEpoch(*dataset_, options_));
}

void TrainingRun::CountLoss(const at::Tensor& loss, int64_t examples) {
  const at::Tensor weighted = loss.to(at::kDouble) * static_cast<double>(examples);
  pending_loss_ = pending_loss_.defined() ? pending_loss_ + weighted : weighted;
  state_->progress.window_examples += examples;
  examples_since_report_ += examples;
  measured_examples_ += examples;
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
  Metrics metrics;
  {
    const AveragedWeights averaged(state_->average());
    metrics = Measure();
    if (!spec_.objective.empty() && !metrics.contains(spec_.objective)) {
      throw InfeasibleError("objective " + spec_.objective + " is not defined on these examples");
    }
    Observe(metrics);
  }
  const double bound = options_.early_end.max_train_loss;
  const bool above = bound > 0 && metrics.at("train_loss") > bound;
  if (above || std::isnan(metrics.at("val_loss"))) return EndDiverged(metrics);
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
  return training::Evaluate(state_->model(), *task_, metric_set_, *dataset_, examples, indices, device_,
                            [this] { ReportProgress(); });
}

Metrics TrainingRun::Measure() {
  const Progress& progress = state_->progress;
  const int64_t trained_ms = pacer_.ElapsedMs();
  Metrics metrics = Prefixed("val_", Evaluate(dataset_->training_part, dataset_->validation_indices)->Values());
  metrics["train_loss"] = progress.window_loss / static_cast<double>(progress.window_examples);
  if (options_.report.metrics == MetricSet::kFull) {
    metrics[kLearningRate] = last_.learning_rate;
    if (last_.gradient_norm.defined()) metrics[kGradientNorm] = last_.gradient_norm.item<double>();
    const double seconds = static_cast<double>(std::max<int64_t>(1, trained_ms - measured_ms_)) / 1000;
    metrics[kExamplesPerSecond] = static_cast<double>(measured_examples_) / seconds;
    metrics[kMemoryBytes] = static_cast<double>(MemoryBytes(device_));
  }
  measured_examples_ = 0;
  measured_ms_ = pacer_.ElapsedMs();
  return metrics;
}

void TrainingRun::Observe(const Metrics& metrics) {
  const auto objective = metrics.find(spec_.objective);
  if (objective == metrics.end()) return;
  const double value = objective->second;
  Progress& progress = state_->progress;
  ObserveObjective(options_.schedule, spec_.goal, value, progress.plateau);
  std::optional<std::string> ending = ObserveForEarlyEnd(options_.early_end, spec_.goal, value, progress.early_end);
  if (progress.plateau.finished && progress.early_end.ended == 0) {
    progress.early_end.ended = 1;
    ending = "the learning rate was halved below 1/1024 of its peak (halve_on_plateau)";
  }
  if (ending.has_value()) {
    events_.OnWarning("ending at step " + std::to_string(progress.step) + ": " + *ending);
  }
  if (progress.best_step > 0 && !IsBetter(spec_.goal, value, progress.best_value)) return;
  progress.best_value = value;
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

TrialResult TrainingRun::EndDiverged(const Metrics& metrics) {
  const Progress& progress = state_->progress;
  events_.OnMetrics(plan_->StepInProgress(progress.optimizer_step), metrics, pacer_.ElapsedMs());
  const double loss = metrics.at("train_loss");
  std::string what = "the training loss is " + ToString(loss);
  if (std::isfinite(loss) && std::isnan(metrics.at("val_loss"))) {
    what = "the validation loss is nan";
  } else if (std::isfinite(loss)) {
    what += ", above max_train_loss " + ToString(options_.early_end.max_train_loss);
  }
  return {.ending = Ending::kInfeasible,
          .step = progress.step,
          .reason = "diverged: " + what + " at optimiser step " + std::to_string(progress.optimizer_step)};
}

TrialResult TrainingRun::Finish() {
  const int64_t step = state_->progress.step;
  if (spec_.final_checkpoint) SaveCheckpoint();
  state_->RestoreBest();
  const at::Tensor all =
      at::arange(dataset_->test.count(), at::TensorOptions().dtype(at::kLong).device(dataset_->test.inputs.device()));
  const MetricSet metrics = options_.report.reports ? MetricSet::kFull : metric_set_;
  const std::unique_ptr<Scores> scores = training::Evaluate(state_->model(), *task_, metrics, *dataset_, dataset_->test,
                                                            all, device_, [this] { ReportProgress(); });
  if (options_.report.reports) {
    for (const ReportFile& file : scores->Reports()) artifacts_.Leave(step, file);
  }
  return {.ending = Ending::kDone, .step = step, .metrics = Prefixed("test_", scores->Values())};
}

void TrainingRun::LeaveSnapshot() {
  const int64_t step = state_->progress.step;
  const int64_t interval = options_.report.histogram_interval;
  if (interval == 0 || step % interval != 0) return;
  artifacts_.Leave(step, WeightHistograms(state_->model().Parameters()));
  LeaveSampleInputs();
}

void TrainingRun::LeaveSampleInputs() {
  if (options_.report.sample_inputs == 0) return;
  const at::Tensor indices = NextIndices();
  const int64_t count = std::min(options_.report.sample_inputs, indices.size(0));
  const Batch batch = step_->Inputs(indices.narrow(0, 0, count), state_->progress.optimizer_step, 0);
  for (const ReportFile& file :
       SampleInputs(batch, count, options_.task.task, dataset_->shape, dataset_->normalization)) {
    artifacts_.Leave(state_->progress.step, file);
  }
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
  if (last_.loss.defined()) report.train_loss = last_.loss.item<double>();
  report.examples_per_second = static_cast<double>(examples_since_report_) / seconds;
  examples_since_report_ = 0;
  events_.OnProgress(report);
}

}  // namespace athanor::training
