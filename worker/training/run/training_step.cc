#include "worker/training/run/training_step.h"

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "worker/training/errors.h"
#include "worker/training/run/runtime.h"
#include "worker/training/tasks/distillation.h"

namespace athanor::training {
namespace {

// Of each element: 1 for the head, `others` elsewhere.
at::Tensor UpdateFactors(TrainingState& state, double others) {
  const std::string head = state.model().HeadPrefix();
  std::vector<double> factors;
  for (const ParameterSegment& segment : state.parameters().segments()) {
    factors.push_back(segment.name.starts_with(head) ? 1 : others);
  }
  return state.parameters().Expand(factors);
}

bool TellsHead(TrainingState& state) {
  const std::string head = state.model().HeadPrefix();
  const auto of_head = [&](const ParameterSegment& segment) { return segment.name.starts_with(head); };
  return !head.empty() && std::ranges::any_of(state.parameters().segments(), of_head);
}

}  // namespace

TrainingStep::TrainingStep(const TrainingOptions& options, const Dataset& dataset, const Task& task, Teacher* teacher,
                           const LearningRateSchedule& schedule, int64_t freeze_steps, uint64_t seed,
                           const at::Device& device)
    : options_(options),
      dataset_(dataset),
      task_(task),
      teacher_(teacher),
      schedule_(schedule),
      freeze_steps_(freeze_steps),
      seed_(seed),
      device_(device),
      augmentation_(options.augmentation, dataset.shape, dataset.normalization) {}

StepOutcome TrainingStep::Run(const at::Tensor& indices, TrainingState& state, GradientNorm norm) {
  ThawIfDue(state);
  StepOutcome outcome;
  for (;;) {
    try {
      outcome.loss = Backward(indices, state);
      break;
    } catch (const c10::Error& error) {
      if (!IsOutOfMemory(error)) throw;
      BatchParts parts = Parts(state);
      if (options_.out_of_memory == OutOfMemory::kFail || !parts.Divide(indices.size(0))) throw;
      state.progress.batch_parts = parts.count();
    }
  }
  FlatParameters& parameters = state.parameters();
  const bool usable = Unscale(state);
  if (factors_set_) state.optimizer().DropFrozenGradients();
  if (norm == GradientNorm::kMeasure) outcome.gradient_norm = parameters.GradientNorm();
  if (options_.gradient_clip_value > 0) parameters.ClipGradientValue(options_.gradient_clip_value);
  if (options_.gradient_clip_norm > 0) parameters.ClipGradientNorm(options_.gradient_clip_norm);
  Progress& progress = state.progress;
  outcome.learning_rate = schedule_.At(progress.optimizer_step, progress.plateau.factor);
  ++progress.optimizer_step;
  if (!usable) return outcome;
  // Those skipped do not count: moments, their bias correction and Lookahead begin with the first update that there is.
  const int64_t updates = progress.optimizer_step - progress.loss_scale.skipped;
  state.optimizer().Step(updates, outcome.learning_rate);
  if (state.average() != nullptr) state.average()->Update(updates);
  return outcome;
}

BatchParts TrainingStep::Parts(const TrainingState& state) const {
  return {state.progress.batch_parts, NormalizesOverBatch(options_.model) ? 2 : 1};
}

at::Tensor TrainingStep::Backward(const at::Tensor& indices, TrainingState& state) {
  state.model().SetMode(Mode::kTraining);
  state.parameters().ZeroGradients();
  const int64_t size = indices.size(0);
  const BatchParts parts = Parts(state);
  const double scale = options_.precision == Precision::kFloat16 ? state.progress.loss_scale.scale : 1;
  at::Tensor total;
  for (int64_t part = 0; part < parts.CountOf(size); ++part) {
    const int64_t start = parts.Begin(part, size);
    const int64_t count = parts.Begin(part + 1, size) - start;
    const Batch batch = Inputs(indices.narrow(0, start, count), state.progress.optimizer_step, start);
    at::Tensor loss = Loss(batch, state);
    if (count < size) loss = loss * (static_cast<double>(count) / static_cast<double>(size));
    (scale == 1 ? loss : loss * scale).backward();
    total = total.defined() ? total + loss.detach() : loss.detach();
  }
  return total;
}

Batch TrainingStep::Inputs(const at::Tensor& indices, int64_t optimizer_step, int64_t start) const {
  Batch batch = GatherBatch(dataset_, dataset_.training_part, indices, device_);
  if (augmentation_.Active()) {
    augmentation_.Apply(batch, HashWords({seed_, static_cast<uint64_t>(start)}), optimizer_step);
  }
  return batch;
}

at::Tensor TrainingStep::Loss(const Batch& batch, TrainingState& state) const {
  const at::Tensor outputs = state.model().Forward(batch.inputs);
  const at::Tensor loss = BatchLoss(task_, outputs, batch);
  if (teacher_ == nullptr) return loss;
  return DistillationLoss(options_.distillation, outputs, teacher_->Logits(batch.inputs), loss);
}

void TrainingStep::ThawIfDue(TrainingState& state) {
  const bool frozen = state.progress.optimizer_step < freeze_steps_;
  const double factor = frozen ? 0 : options_.transfer.backbone_learning_rate_factor;
  const bool boundary = state.progress.optimizer_step == freeze_steps_;
  if (factors_set_ && !boundary) return;
  if (!factors_set_ && factor == 1) return;
  if (!TellsHead(state)) {
    throw InfeasibleError(
        "freeze_epochs and backbone_learning_rate_factor need a model that tells which layer is its head");
  }
  state.optimizer().SetUpdateFactors(factor == 1 ? at::Tensor() : UpdateFactors(state, factor));
  factors_set_ = factor != 1;
}

bool TrainingStep::Unscale(TrainingState& state) const {
  if (options_.precision != Precision::kFloat16) return true;
  at::Tensor& gradients = state.parameters().gradients();
  gradients.mul_(1 / state.progress.loss_scale.scale);
  const bool finite = gradients.isfinite().all().item<bool>();
  ObserveGradients(finite, state.progress.loss_scale);
  if (!finite) gradients.zero_();
  return finite;
}

}  // namespace athanor::training
