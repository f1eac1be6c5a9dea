// The values of COMPLETED trials step by step, for rules that compare a trial with those before it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>

#include "server/core/ids.h"
#include "server/core/order_statistics.h"

namespace athanor {

// Not thread-safe. Values are oriented; NaN measurements are left out by the caller, infinite ones are +inf.
class CompletedHistory {
 public:
  // A trial completed with this curve: (step, oriented value), one value a step.
  void Add(TrialNumber trial, std::span<const std::pair<int64_t, double>> curve);
  // Completed trials.
  int64_t trials() const { return trials_; }
  // Their values at exactly this step; empty if none.
  const OrderStatistics& At(int64_t step) const;

 private:
  int64_t trials_ = 0;
  std::map<int64_t, OrderStatistics> steps_;
};

}  // namespace athanor
