// Sums that the measures of predicted numbers are made of.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "worker/training/options/task_options.h"
#include "worker/training/tasks/gathered.h"

namespace athanor::training {

// Adds up, by column, in float64 on the device of the batches, and waits for it only when it is asked. NaN and
// infinities come through.
class ErrorSums {
 public:
  explicit ErrorSums(MetricSet metrics) : metrics_(metrics) {}

  // errors, targets: float32 [B, columns], output minus target and target.
  void Add(const at::Tensor& errors, const at::Tensor& targets);

  int64_t examples() const { return examples_; }
  // Sum of squared errors; empty if nothing was added, as are the others.
  std::vector<double> Squared() const;
  // The full set only: sum of |error|, and of the squared distances of the targets from their mean, which is 0 exactly
  // where all targets are equal.
  std::vector<double> Absolute() const;
  std::vector<double> Spread() const;

 private:
  MetricSet metrics_;
  int64_t examples_ = 0;
  DeviceSum squared_;
  DeviceSum absolute_;
  at::Tensor origin_;      // float64 [columns]: the first targets. Sums of small distances from it cancel little.
  DeviceSum from_origin_;  // of the targets
  DeviceSum squared_from_origin_;
};

double Sum(const std::vector<double>& values);

}  // namespace athanor::training
