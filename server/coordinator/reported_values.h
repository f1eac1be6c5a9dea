// What one live attempt has reported.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "boost/container/small_vector.hpp"
#include "server/core/trial.h"

namespace athanor {

// Measurements by step, held as flat values: with thousands of live attempts whatever a report touches lies far from
// everything else, so there is one block to touch, and a value takes 32 bytes whatever its metric is called. Not
// thread-safe.
class ReportedValues {
 public:
  bool empty() const { return values_.empty(); }
  // The highest step; 0 if empty.
  int64_t last_step() const { return last_step_; }
  // What was reported at the step, metrics in the order in which they came; nullopt if nothing.
  std::optional<Measurement> At(int64_t step) const;
  // All of it, by step.
  std::vector<Measurement> Measurements() const;
  // The names of all metrics, each once.
  std::span<const std::string> metrics() const { return {metrics_.data(), metrics_.size()}; }

  // Metrics of the same step that came before must have other names. A measurement without metrics adds nothing.
  void Add(const Measurement& measurement);

 private:
  struct Value {
    int64_t step = 0;
    int64_t elapsed_ms = 0;
    double value = 0;
    uint32_t metric = 0;  // in metrics_
  };
  // Most measurements have the same metrics in the same order: `expected` is where to look first.
  uint32_t MetricIndex(const std::string& name, size_t expected);
  Measurement MeasurementAt(std::vector<Value>::const_iterator& next) const;

  // Here, so that a new step need not look at the values before it.
  int64_t last_step_ = 0;
  std::vector<Value> values_;  // by step
  boost::container::small_vector<std::string, 2> metrics_;
};

}  // namespace athanor
