#include "worker/training/tasks/distillation.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/softmax.h>

namespace athanor::training {

at::Tensor DistillationLoss(const DistillationOptions& options, const at::Tensor& student, const at::Tensor& teacher,
                            const at::Tensor& label_loss) {
  const double temperature = options.temperature;
  const at::Tensor wanted = at::softmax(teacher.detach().div(temperature), 1);
  const at::Tensor divergence = at::kl_div(at::log_softmax(student.div(temperature), 1), wanted, at::Reduction::Sum);
  const double scale = options.weight * temperature * temperature / static_cast<double>(student.size(0));
  return label_loss.mul(1 - options.weight).add(divergence, scale);
}

}  // namespace athanor::training
