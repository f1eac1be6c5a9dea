#include "server/core/history.h"

#include <cmath>

namespace athanor {

void CompletedHistory::Add(TrialNumber trial, std::span<const std::pair<int64_t, double>> curve) {
  ++trials_;
  for (const auto& [step, value] : curve) {
    if (!std::isnan(value)) steps_[step].Insert(value, trial);
  }
}

const OrderStatistics& CompletedHistory::At(int64_t step) const {
  const auto found = steps_.find(step);
  return found == steps_.end() ? empty_ : found->second;
}

}  // namespace athanor
