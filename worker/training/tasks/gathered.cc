#include "worker/training/tasks/gathered.h"

#include <ATen/ops/cat.h>

namespace athanor::training {

void DeviceSum::Add(const at::Tensor& addend) {
  if (sum_.defined()) {
    sum_.add_(addend);
  } else {
    sum_ = addend;
  }
}

double DeviceSum::Total() const { return sum_.defined() ? sum_.item<double>() : 0; }

void GatheredRows::Add(const at::Tensor& rows) { batches_.push_back(rows.to(at::kCPU, at::kFloat)); }

at::Tensor GatheredRows::All() const { return at::cat(batches_); }

}  // namespace athanor::training
