// Training losses: differentiable scalars. Each is a mean over the batch, and over labels or numbers where there are
// several of an example; so the mean over the parts of a batch, weighted by their sizes, is that of the batch.
//
// Shapes: outputs float32 [B, ...], targets on the same device. None waits for the device. Values and gradients are
// finite wherever the value itself fits float32, also of the surest outputs; of non-finite outputs they are what they
// come to, and nothing is thrown.
#pragma once

#include <ATen/core/Tensor.h>

#include "worker/training/options/task_options.h"

namespace athanor::training {

// The losses of one class an example. logits: [B, classes]; labels: int64 [B]. `class_weights`: float32 [classes], or
// undefined for none; a weighted loss is still divided by B, not by the sum of the weights.

// -sum_c w_c q_c ln softmax(logits)_c with q = (1 - s) * onehot(label) + s / classes, s = label_smoothing in [0, 1)
// (Szegedy et al. 2016, arXiv:1512.00567, section 7).
at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels, double label_smoothing,
                        const at::Tensor& class_weights = {});

// -w_label (1 - p)^gamma ln p with p = softmax(logits)_label (Lin et al. 2017, arXiv:1708.02002, equation 5, for one of
// many classes). gamma >= 0; at 0 the cross-entropy.
at::Tensor Focal(const at::Tensor& logits, const at::Tensor& labels, double gamma,
                 const at::Tensor& class_weights = {});

// Least squares: w_label times the mean over classes of (output_c - onehot(label)_c)^2.
at::Tensor LeastSquares(const at::Tensor& outputs, const at::Tensor& labels, const at::Tensor& class_weights = {});

// The losses of independent labels. logits: [B, labels]; targets: float32 [B, labels] of 0 and 1.

// -(y ln p + (1 - y) ln(1 - p)) with p = sigmoid(logit).
at::Tensor BinaryCrossEntropy(const at::Tensor& logits, const at::Tensor& targets);

// -(1 - p)^gamma ln p with p the probability given to what is so, sigmoid(logit) or 1 - sigmoid(logit) (Lin et al.
// 2017, equation 4). A mean over all labels, where the paper divides by the number of positive ones.
at::Tensor BinaryFocal(const at::Tensor& logits, const at::Tensor& targets, double gamma);

// The losses of numbers, of x = |output - target| and any shape.

at::Tensor SquaredError(const at::Tensor& outputs, const at::Tensor& targets);   // x^2
at::Tensor AbsoluteError(const at::Tensor& outputs, const at::Tensor& targets);  // x
// x^2 / (2 beta) if x < beta, else x - beta / 2; beta > 0 (Girshick 2015, arXiv:1504.08083, where beta is 1).
at::Tensor SmoothL1(const at::Tensor& outputs, const at::Tensor& targets, double beta);
// w ln(1 + x / e) if x < w, else x - C with C = w - w ln(1 + w / e); w = width > 0, e = curvature > 0 (Feng et al.
// 2018, arXiv:1711.06753, equation 5). Width and curvature are in the unit of the file: with `unit`, [numbers] or
// undefined for 1, how many of the file's units one of the outputs is, the loss is wing(unit x) / unit, whose slope
// does not depend on the unit.
at::Tensor Wing(const at::Tensor& outputs, const at::Tensor& targets, double width, double curvature,
                const at::Tensor& unit = {});

// That of the four that `options.loss` names.
at::Tensor NumberLoss(const TaskOptions& options, const at::Tensor& outputs, const at::Tensor& targets,
                      const at::Tensor& unit = {});

}  // namespace athanor::training
