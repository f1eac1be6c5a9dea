// Trials by value, for those who look now and then.
#pragma once

#include <vector>

#include "server/core/ids.h"
#include "server/core/order_statistics.h"

namespace athanor {

// An OrderStatistics that changes some time after it is told: when it is looked at, or when kMost changes have
// gathered. A study notes many new best values for every one who asks for its ranking, and changes that are made
// together, in order of value, find most of what they touch in the cache; those that cancel each other are never made.
// Takes 32 bytes a change until then. Values must not be NaN. Not thread-safe, reading included.
class Ranking {
 public:
  // As in OrderStatistics.
  void Insert(double value, TrialNumber trial) { Note({{value, trial}, Presence::kPresent}); }
  void Erase(double value, TrialNumber trial) { Note({{value, trial}, Presence::kAbsent}); }
  // Valid until the next change.
  const OrderStatistics& entries() const;

 private:
  enum class Presence { kAbsent, kPresent };
  struct Change {
    OrderStatistics::Entry entry;
    Presence presence = Presence::kAbsent;
  };
  static constexpr size_t kMost = 4096;

  void Note(const Change& change);
  void MakeChanges() const;

  mutable OrderStatistics entries_;
  mutable std::vector<Change> changes_;  // to be made, in this order
};

}  // namespace athanor
