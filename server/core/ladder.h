// The rungs of a study: who entered which with what value, who waits there to be promoted. Kept up to date entry by
// entry by whoever owns the study; stopping rules only read it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "server/core/ids.h"
#include "server/core/order_statistics.h"
#include "server/core/trial.h"

namespace athanor {

// One rung of one bracket. Values are oriented, never NaN.
class Rung {
 public:
  // Every value that ever entered.
  const OrderStatistics& entries() const { return entries_; }
  // Those whose trial is PAUSED here and not promoted.
  const OrderStatistics& waiting() const { return waiting_; }
  // The trial's entry; nullopt if it never entered.
  std::optional<double> ValueOf(TrialNumber trial) const;

 private:
  friend class Ladder;
  OrderStatistics entries_;
  OrderStatistics waiting_;
  std::unordered_map<TrialNumber, double> values_;
};

// All rungs of all brackets. Reads never create. Not thread-safe. All operations O(log n).
class Ladder {
 public:
  // Adds an entry; replaces the trial's +inf entry of the same rung (after `trial retry`); otherwise a second entry is
  // ignored, so that n never falls and a value once compared with others stays what it was. `token` and `promoted` are
  // not looked at.
  void Enter(const RungEntry& entry);
  // The trial is PAUSED at this rung and may be promoted from it / is not any more (promoted, cancelled, finished).
  // Both are no-ops for a trial without an entry there.
  void Wait(int64_t bracket, int64_t rung, TrialNumber trial);
  void StopWaiting(int64_t bracket, int64_t rung, TrialNumber trial);

  // An empty rung if nothing entered it.
  const Rung& rung(int64_t bracket, int64_t rung) const;
  // The highest rung that the trial entered in its bracket, -1 if none. An entry with +inf counts.
  int64_t HighestRung(TrialNumber trial) const;

 private:
  Rung* Find(int64_t bracket, int64_t rung);

  std::map<std::pair<int64_t, int64_t>, Rung> rungs_;
  std::unordered_map<TrialNumber, int64_t> highest_;
  Rung empty_;  // what rung() refers to where nothing is
};

}  // namespace athanor
