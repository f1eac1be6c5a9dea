// The values of COMPLETED trials step by step, for rules that compare a trial with those before it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>

#include "server/core/ids.h"
#include "server/core/order_statistics.h"

namespace athanor {

// Not thread-safe. Values are oriented; infinite ones are +inf. NaN measurements say nothing and are left out here.
class CompletedHistory {
 public:
  // A trial completed with this curve: (step, oriented value), one value a step. Call once a trial. O(log n) a value.
  void Add(TrialNumber trial, std::span<const std::pair<int64_t, double>> curve);
  // Completed trials, those without any value included.
  int64_t trials() const { return trials_; }
  // Their values at exactly this step; empty if none. Valid until the next Add.
  const OrderStatistics& At(int64_t step) const;

 private:
  int64_t trials_ = 0;
  std::map<int64_t, OrderStatistics> steps_;
  OrderStatistics empty_;  // what At refers to where nothing is
};

}  // namespace athanor
