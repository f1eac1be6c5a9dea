#include "server/coordinator/live_attempts.h"

#include <algorithm>
#include <memory>

namespace athanor {

LiveAttempt& LiveAttempts::Add(TrialNumber trial) {
  if (free_.empty()) {
    free_.push_back(static_cast<int32_t>(slots_.size()));
    slots_.emplace_back();
    trials_.push_back(kFree);
  }
  const int32_t place = free_.back();
  free_.pop_back();
  const auto index = static_cast<size_t>(trial);
  if (place_.size() <= index) place_.resize(index + 1, kNone);
  place_[index] = place;
  trials_[static_cast<size_t>(place)] = trial;
  return slots_[static_cast<size_t>(place)];
}

void LiveAttempts::Remove(TrialNumber trial) {
  int32_t& place = place_[static_cast<size_t>(trial)];
  LiveAttempt& slot = slots_[static_cast<size_t>(place)];
  std::destroy_at(&slot);
  std::construct_at(&slot);
  trials_[static_cast<size_t>(place)] = kFree;
  free_.push_back(place);
  place = kNone;
}

std::vector<TrialNumber> LiveAttempts::Trials() const {
  std::vector<TrialNumber> trials;
  trials.reserve(static_cast<size_t>(size()));
  for (const TrialNumber trial : trials_) {
    if (trial != kFree) trials.push_back(trial);
  }
  std::ranges::sort(trials);
  return trials;
}

}  // namespace athanor
