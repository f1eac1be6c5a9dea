#include "worker/training/tasks/losses.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/smooth_l1_loss.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace athanor::training {
namespace {

constexpr int64_t kNoIgnoredLabel = -100;

// losses: [B], of one example each.
at::Tensor WeightedMean(const at::Tensor& losses, const at::Tensor& labels, const at::Tensor& class_weights) {
  return class_weights.defined() ? losses.mul(class_weights.index_select(0, labels)).mean() : losses.mean();
}

}  // namespace

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels, double label_smoothing,
                        const at::Tensor& class_weights) {
  if (!class_weights.defined()) {
    return at::cross_entropy_loss(logits, labels, /*weight=*/{}, at::Reduction::Mean, kNoIgnoredLabel, label_smoothing);
  }
  // LibTorch's own mean would divide by the sum of the weights.
  return at::cross_entropy_loss(logits, labels, class_weights, at::Reduction::Sum, kNoIgnoredLabel, label_smoothing)
      .div(static_cast<double>(labels.size(0)));
}

at::Tensor Focal(const at::Tensor& logits, const at::Tensor& labels, double gamma, const at::Tensor& class_weights) {
  const at::Tensor log_p = at::log_softmax(logits, 1).gather(1, labels.unsqueeze(1)).squeeze(1);
  // The slope of x^gamma is infinite at 0 for gamma < 1, and times a loss of 0 that would be NaN.
  constexpr double kSmallest = 1e-30;
  const at::Tensor rest = log_p.expm1().neg().clamp_min(kSmallest);  // 1 - p, exact near p = 1
  return WeightedMean(rest.pow(gamma).mul(log_p).neg(), labels, class_weights);
}

at::Tensor LeastSquares(const at::Tensor& outputs, const at::Tensor& labels, const at::Tensor& class_weights) {
  const at::Tensor one_hot = at::zeros_like(outputs).scatter_(1, labels.unsqueeze(1), 1);
  if (!class_weights.defined()) return at::mse_loss(outputs, one_hot);
  return WeightedMean(at::mse_loss(outputs, one_hot, at::Reduction::None).mean(1), labels, class_weights);
}

at::Tensor BinaryCrossEntropy(const at::Tensor& logits, const at::Tensor& targets) {
  return at::binary_cross_entropy_with_logits(logits, targets);
}

at::Tensor BinaryFocal(const at::Tensor& logits, const at::Tensor& targets, double gamma) {
  const at::Tensor toward = logits.mul(targets.mul(2).sub(1));  // the logit of what is so
  const at::Tensor log_p = at::log_sigmoid(toward);
  const at::Tensor focus = at::log_sigmoid(toward.neg()).mul(gamma).exp();  // (1 - p)^gamma
  return focus.mul(log_p).mean().neg();
}

at::Tensor SquaredError(const at::Tensor& outputs, const at::Tensor& targets) { return at::mse_loss(outputs, targets); }

at::Tensor AbsoluteError(const at::Tensor& outputs, const at::Tensor& targets) { return at::l1_loss(outputs, targets); }

at::Tensor SmoothL1(const at::Tensor& outputs, const at::Tensor& targets, double beta) {
  return at::smooth_l1_loss(outputs, targets, at::Reduction::Mean, beta);
}

at::Tensor Wing(const at::Tensor& outputs, const at::Tensor& targets, double width, double curvature,
                const at::Tensor& unit) {
  const double constant = width - width * std::log1p(width / curvature);
  at::Tensor error = outputs.sub(targets).abs();
  if (unit.defined()) error = error.mul(unit);
  const at::Tensor losses = at::where(error.lt(width), error.div(curvature).log1p().mul(width), error.sub(constant));
  return unit.defined() ? losses.div(unit).mean() : losses.mean();
}

at::Tensor NumberLoss(const TaskOptions& options, const at::Tensor& outputs, const at::Tensor& targets,
                      const at::Tensor& unit) {
  switch (options.loss) {
    case LossKind::kL1:
      return AbsoluteError(outputs, targets);
    case LossKind::kSmoothL1:
      return SmoothL1(outputs, targets, options.smooth_l1_beta);
    case LossKind::kWing:
      return Wing(outputs, targets, options.wing_width, options.wing_curvature, unit);
    default:
      return SquaredError(outputs, targets);
  }
}

}  // namespace athanor::training
