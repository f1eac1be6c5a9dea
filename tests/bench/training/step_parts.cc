#include "tests/bench/training/step_parts.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/randint.h>

#include "worker/training/data/augmentation.h"
#include "worker/training/data/dataset.h"
#include "worker/training/options/options.h"
#include "worker/training/run/runtime.h"
#include "worker/training/run/training_state.h"
#include "worker/training/tasks/task.h"

namespace athanor::training {
namespace {

constexpr int64_t kWarmUpSteps = 5;
constexpr uint64_t kSeed = 1;

}  // namespace

StepParts MeasureStepParts(const NamedValues& options, int64_t steps) {
  const TrainingOptions parsed = ParseTrainingOptions(options);
  UseThreads(parsed.threads);
  DatasetCache datasets;
  const auto dataset = datasets.Get(parsed.data, parsed.task.task, at::kCPU, parsed.threads, [] {});
  std::vector<std::string> notes;
  TrainingState state(parsed, *dataset, at::kCPU, kSeed, "bench", options, Start::kFresh, notes);
  const auto task = MakeTask({.options = parsed.task, .shape = dataset->shape}, at::kCPU);
  const Augmentation augmentation({.crop_padding = 2, .flip_horizontal = true}, dataset->shape, dataset->normalization);
  StepParts parts;
  for (const NamedTensor& parameter : state.model().Parameters()) parts.parameters += parameter.tensor.numel();

  for (int64_t step = 1; step <= kWarmUpSteps + steps; ++step) {
    const at::Tensor indices = at::index_select(
        dataset->train_indices, 0, at::randint(dataset->train_indices.size(0), {parsed.batch_size}, at::kLong));
    const Reading began = ReadClocks();
    const Batch batch = GatherBatch(*dataset, dataset->training_part, indices, at::kCPU);
    const Reading gathered = ReadClocks();
    Batch changed = batch;
    augmentation.Apply(changed, kSeed, step);
    const Reading augmented = ReadClocks();
    state.model().SetMode(Mode::kTraining);
    const at::Tensor loss = task->TrainingLoss(state.model().Forward(batch.inputs), task->TargetsOf(batch));
    const Reading forwarded = ReadClocks();
    state.parameters().ZeroGradients();
    loss.backward();
    const Reading backpropagated = ReadClocks();
    state.optimizer().Step(step, parsed.schedule.learning_rate);
    const Reading updated = ReadClocks();
    if (step <= kWarmUpSteps) continue;
    parts.gather += gathered - began;
    parts.augment += augmented - gathered;
    parts.forward += forwarded - augmented;
    parts.backward += backpropagated - forwarded;
    parts.update += updated - backpropagated;
  }
  return parts;
}

}  // namespace athanor::training
