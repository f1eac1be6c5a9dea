// A set of (value, trial) pairs that knows ranks: what rungs, percentiles and rankings are made of.
#pragma once

#include <cstdint>
#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>
#include <limits>
#include <utility>

#include "server/core/ids.h"

namespace athanor {

// Ordered by value, ties by lower trial number. Values must not be NaN. Every operation is O(log n). Not thread-safe.
class OrderStatistics {
 public:
  using Entry = std::pair<double, TrialNumber>;

  void Insert(double value, TrialNumber trial) { tree_.insert({value, trial}); }
  // No-op if absent.
  void Erase(double value, TrialNumber trial) { tree_.erase({value, trial}); }
  int64_t size() const { return static_cast<int64_t>(tree_.size()); }
  bool empty() const { return tree_.empty(); }

  // How many values are strictly smaller.
  int64_t CountBelow(double value) const {
    return static_cast<int64_t>(tree_.order_of_key({value, std::numeric_limits<TrialNumber>::min()}));
  }
  // How many entries come before this one.
  int64_t Rank(double value, TrialNumber trial) const {
    return static_cast<int64_t>(tree_.order_of_key({value, trial}));
  }
  // 0 <= rank < size().
  const Entry& At(int64_t rank) const { return *tree_.find_by_order(static_cast<size_t>(rank)); }

  auto begin() const { return tree_.begin(); }
  auto end() const { return tree_.end(); }

 private:
  __gnu_pbds::tree<Entry, __gnu_pbds::null_type, std::less<Entry>, __gnu_pbds::rb_tree_tag,
                   __gnu_pbds::tree_order_statistics_node_update>
      tree_;
};

}  // namespace athanor
