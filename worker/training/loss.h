// Losses and what is measured with them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "worker/training/dataset.h"
#include "worker/training/model.h"

namespace athanor::training {

// Mean cross-entropy between softmax(logits) and targets q = (1 - s) * onehot(label) + s / classes, s = label_smoothing
// in [0, 1) (Szegedy et al. 2016, arXiv:1512.00567, section 7). logits: float32 [B, classes]; labels: int64 [B]. A
// scalar, differentiable.
at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels, double label_smoothing);

struct Evaluation {
  double loss = 0;  // mean cross-entropy without smoothing, so that trials that smooth differently can be compared
  double accuracy =
      0;  // share classified right, in [0, 1]; a tie among logits goes to any of them, NaN counts as wrong
};

// Evaluates the model on the given examples in evaluation mode, and leaves it in that mode. Draws no random number, so
// that evaluating more or less often changes nothing in the training. `heartbeat` is called after every batch.
Evaluation Evaluate(Model& model, const Dataset& dataset, const Examples& examples, const at::Tensor& indices,
                    const std::function<void()>& heartbeat);

}  // namespace athanor::training
