#include "worker/training/tasks/evaluate.h"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace athanor::training {
namespace {

// Small enough that activations stay near the cache and below what training needs of memory.
constexpr int64_t kCpuBatch = 125;
// Large enough to keep a GPU busy.
constexpr int64_t kGpuBatch = 1000;

}  // namespace

std::unique_ptr<Scores> Evaluate(Model& model, const Task& task, MetricSet metrics, const Dataset& dataset,
                                 const Examples& examples, const at::Tensor& indices, const at::Device& device,
                                 const std::function<void()>& heartbeat) {
  const c10::NoGradGuard no_grad;
  model.SetMode(Mode::kEvaluation);
  std::unique_ptr<Scores> scores = task.NewScores(metrics);
  const int64_t count = indices.size(0);
  const int64_t batch_size = device.is_cpu() ? kCpuBatch : kGpuBatch;
  for (int64_t start = 0; start < count; start += batch_size) {
    const int64_t size = std::min(batch_size, count - start);
    const Batch batch = GatherBatch(dataset, examples, indices.narrow(0, start, size), device);
    scores->Add(model.Forward(batch.inputs), task.TargetsOf(batch));
    heartbeat();
  }
  return scores;
}

}  // namespace athanor::training
