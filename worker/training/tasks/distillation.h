// A classifier that learns from another one's outputs beside the labels (Hinton et al. 2015, arXiv:1503.02531).
#pragma once

#include <ATen/core/Tensor.h>

#include "worker/training/options/task_options.h"

namespace athanor::training {

// (1 - weight) * label_loss + weight * T^2 * KL(softmax(teacher / T) || softmax(student / T)), a differentiable scalar;
// KL is the mean over the batch, in nats. T^2 keeps the slope of the imitation the same at every temperature T (section
// 2). student, teacher: logits, float32 [B, classes] on one device; no gradient goes to the teacher. label_loss:
// scalar, the task's own. Does not wait for the device; throws nothing of non-finite logits.
at::Tensor DistillationLoss(const DistillationOptions& options, const at::Tensor& student, const at::Tensor& teacher,
                            const at::Tensor& label_loss);

}  // namespace athanor::training
