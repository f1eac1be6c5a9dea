#include "worker/training/tasks/error_sums.h"

#include <algorithm>
#include <numeric>

namespace athanor::training {
namespace {

std::vector<double> Values(const DeviceSum& sum) {
  if (!sum.tensor().defined()) return {};
  const at::Tensor values = sum.tensor().to(at::kCPU).contiguous();
  const auto* value = values.data_ptr<double>();
  return {value, value + values.numel()};
}

}  // namespace

void ErrorSums::Add(const at::Tensor& errors, const at::Tensor& targets) {
  const at::Tensor exact = errors.to(at::kDouble);
  squared_.Add(exact.square().sum(0));
  examples_ += errors.size(0);
  if (metrics_ == MetricSet::kBasic) return;
  absolute_.Add(exact.abs().sum(0));
  const at::Tensor wanted = targets.to(at::kDouble);
  if (!origin_.defined()) origin_ = wanted.select(0, 0);
  const at::Tensor distance = wanted.sub(origin_);
  from_origin_.Add(distance.sum(0));
  squared_from_origin_.Add(distance.square().sum(0));
}

std::vector<double> ErrorSums::Squared() const { return Values(squared_); }

std::vector<double> ErrorSums::Absolute() const { return Values(absolute_); }

std::vector<double> ErrorSums::Spread() const {
  const std::vector<double> sum = Values(from_origin_);
  std::vector<double> spread = Values(squared_from_origin_);
  for (size_t i = 0; i < spread.size(); ++i) {
    spread[i] = std::max(spread[i] - sum[i] * sum[i] / static_cast<double>(examples_), 0.0);
  }
  return spread;
}

double Sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

}  // namespace athanor::training
