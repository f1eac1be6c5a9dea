#include "worker/training/loss.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace athanor::training {
namespace {

// Small enough that the activations of lenet stay near the cache, large enough to keep a GPU busy.
constexpr int64_t kEvaluationBatch = 250;

}  // namespace

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels, double label_smoothing) {
  return at::cross_entropy_loss(logits, labels, /*weight=*/{}, at::Reduction::Mean, /*ignore_index=*/-100,
                                label_smoothing);
}

Evaluation Evaluate(Model& model, const Dataset& dataset, const Examples& examples, const at::Tensor& indices,
                    const std::function<void()>& heartbeat) {
  const c10::NoGradGuard no_grad;
  model.SetMode(Mode::kEvaluation);
  double loss = 0;
  int64_t correct = 0;
  const int64_t count = indices.size(0);
  for (int64_t start = 0; start < count; start += kEvaluationBatch) {
    const int64_t size = std::min(kEvaluationBatch, count - start);
    const Batch batch = GatherBatch(dataset, examples, indices.narrow(0, start, size));
    const at::Tensor logits = model.Forward(batch.images);
    loss += CrossEntropy(logits, batch.labels, 0).item<double>() * static_cast<double>(size);
    // argmax would answer with the place of a NaN, and count a diverged model's guess as right now and then.
    const at::Tensor right = logits.argmax(1).eq(batch.labels).logical_and_(logits.isfinite().all(1));
    correct += right.sum().item<int64_t>();
    heartbeat();
  }
  return {.loss = loss / static_cast<double>(count),
          .accuracy = static_cast<double>(correct) / static_cast<double>(count)};
}

}  // namespace athanor::training
