#include "server/coordinator/reported_values.h"

#include <algorithm>

namespace athanor {

// Moves `next` behind the values of its step.
Measurement ReportedValues::MeasurementAt(std::vector<Value>::const_iterator& next) const {
  Measurement measurement{next->step, next->elapsed_ms, {}};
  for (; next != values_.end() && next->step == measurement.step; ++next) {
    measurement.metrics.push_back({metrics_[next->metric], next->value});
  }
  return measurement;
}

std::optional<Measurement> ReportedValues::At(int64_t step) const {
  if (step > last_step()) return std::nullopt;
  auto found = std::ranges::lower_bound(values_, step, {}, &Value::step);
  if (found == values_.end() || found->step != step) return std::nullopt;
  return MeasurementAt(found);
}

std::vector<Measurement> ReportedValues::Measurements() const {
  std::vector<Measurement> measurements;
  for (auto next = values_.begin(); next != values_.end();) measurements.push_back(MeasurementAt(next));
  return measurements;
}

uint32_t ReportedValues::MetricIndex(const std::string& name, size_t expected) {
  if (expected < metrics_.size() && metrics_[expected] == name) return static_cast<uint32_t>(expected);
  const auto index = static_cast<size_t>(std::ranges::find(metrics_, name) - metrics_.begin());
  if (index == metrics_.size()) metrics_.push_back(name);
  return static_cast<uint32_t>(index);
}

void ReportedValues::Add(const Measurement& measurement) {
  auto at = values_.end();
  if (measurement.step < last_step()) at = std::ranges::upper_bound(values_, measurement.step, {}, &Value::step);
  for (size_t i = 0; i < measurement.metrics.size(); ++i) {
    const Metric& metric = measurement.metrics[i];
    at = values_.insert(at, {measurement.step, measurement.elapsed_ms, metric.value, MetricIndex(metric.name, i)});
    ++at;
  }
  if (!measurement.metrics.empty()) last_step_ = std::max(last_step_, measurement.step);
}

}  // namespace athanor
