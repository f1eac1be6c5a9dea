// The rungs of a study: who entered which with what value, who waits there to be promoted, who is still on the way.
// Kept up to date change by change by whoever owns the study; rules and search methods only read it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/prefetch.h"
#include "server/core/ids.h"
#include "server/core/order_statistics.h"
#include "server/core/trial.h"
#include "server/core/trial_map.h"

namespace athanor {

// A trial's value at a rung and at the next one.
using RungPair = std::pair<double, double>;

// One rung of one ladder. Values are oriented, never NaN.
class Rung {
 public:
  // What a trial entered with, and by which attempt.
  struct Entry {
    double value = 0;
    Token token = 0;
  };
  // At most so many pairs are kept: enough for a rank correlation, few enough to compute it for every new trial.
  static constexpr size_t kMaxPairs = 100;

  // Every value that ever entered.
  const OrderStatistics& entries() const { return entries_; }
  // Those whose trial is PAUSED here and not promoted.
  const OrderStatistics& waiting() const { return waiting_; }
  // The trial's entry; nullptr if it never entered. Valid until the next change of the ladder.
  const Entry* EntryOf(TrialNumber trial) const { return by_trial_.Find(trial); }
  // The value of it; nullopt if it never entered.
  std::optional<double> ValueOf(TrialNumber trial) const;
  // Of trials that were to pass this rung without pausing and have entered the next one, hence not chosen by their
  // value here: what they entered both with. By number, the kMaxPairs largest: whatever the order in which they came,
  // the same facts give the same pairs.
  const std::map<TrialNumber, RungPair>& unselected() const { return unselected_; }
  // Trials that were to pass this rung without pausing, whether or not they have come so far.
  int64_t passing() const { return passing_; }

 private:
  friend class Ladder;
  OrderStatistics entries_;
  OrderStatistics waiting_;
  TrialMap<Entry> by_trial_;
  std::map<TrialNumber, RungPair> unselected_;
  int64_t passing_ = 0;
};

// All rungs of all ladders of a study; a ladder is known by its number (StoppingRule::LadderOf), which RungEntry calls
// bracket. Both and the numbers of trials count from 0 without large gaps: memory is held up to the largest. Reads
// never create. What rung() and EntryOf() refer to lives until the next change. Not thread-safe. All operations O(log
// n), unless said otherwise.
class Ladder {
 public:
  // The trial will climb this ladder and pass the rungs below `first_rung` without pausing. Before its first entry,
  // once a trial, and only for rules that look at passing(), unselected() or UnderWayBelow(): without it a trial counts
  // for none of these. It is under way, as after Start(). O(first_rung log n).
  void Join(int64_t bracket, TrialNumber trial, int64_t first_rung);
  // A trial that joined is WAITING or RUNNING again, or is PAUSED or has ended.
  void Start(TrialNumber trial);
  void Stop(TrialNumber trial);

  // Adds an entry; replaces the trial's +inf entry of the same rung (after `trial retry`); otherwise a second entry is
  // ignored, so that n never falls and a value once compared with others stays what it was. `promoted` is not looked
  // at.
  void Enter(const RungEntry& entry);
  // The trial is PAUSED at this rung and may be promoted from it / is not any more (promoted, cancelled, finished).
  // Both are no-ops for a trial without an entry there.
  void Wait(int64_t bracket, int64_t rung, TrialNumber trial);
  void StopWaiting(int64_t bracket, int64_t rung, TrialNumber trial);
  // Nobody waits anywhere any more. What StopWaiting would do for one trial after the other, in O(rungs).
  void StopAllWaiting();

  // An empty rung if nothing entered it.
  const Rung& rung(int64_t bracket, int64_t rung) const {
    const auto ladder = static_cast<size_t>(bracket);
    const auto index = static_cast<size_t>(rung);  // that of a trial without one, -1, is past the end
    if (ladder >= ladders_.size() || index >= ladders_[ladder].rungs.size()) return empty_;
    return ladders_[ladder].rungs[index];
  }
  // One past the largest ladder that was joined or entered.
  int64_t brackets() const { return static_cast<int64_t>(ladders_.size()); }
  // The highest rung that the trial entered, -1 if none. An entry with +inf counts.
  int64_t HighestRung(TrialNumber trial) const { return ClimberOf(trial).highest; }
  // The lowest rung that it has yet to enter. Rungs are entered without gaps from 0, so this is one past the highest,
  // except after `trial retry`: the +inf with which a failure entered is to be replaced, so those rungs are open again.
  // (No other trial that goes on has a +inf: a value of +inf pauses its trial for good, or stops it.) O(1).
  int64_t FirstOpenRung(TrialNumber trial) const { return ClimberOf(trial).first_open; }
  // Trials of the ladder that are under way and have not entered `rung` yet. O(rungs).
  int64_t UnderWayBelow(int64_t bracket, int64_t rung) const;
  // Starts to fetch where the trial is into the processor's cache.
  void Prefetch(TrialNumber trial) const {
    if (static_cast<size_t>(trial) < climbers_.size()) athanor::Prefetch(climbers_[static_cast<size_t>(trial)]);
  }

 private:
  // Where a trial is. Small, because there is one for every trial of the study.
  struct Climber {
    int32_t bracket = 0;
    int16_t highest = -1;
    int16_t first_rung = 0;
    int16_t first_open = 0;
    bool is_known = false;  // it joined, or entered a rung
    bool under_way = false;
  };
  struct OneLadder {
    std::vector<Rung> rungs;
    std::vector<int64_t> under_way;  // trials, by the highest rung that they entered + 1
  };
  // That of a trial that is nowhere yet, where there is none.
  Climber ClimberOf(TrialNumber trial) const {
    const auto index = static_cast<size_t>(trial);
    return index < climbers_.size() ? climbers_[index] : Climber();
  }
  Climber& MakeClimber(TrialNumber trial);
  // nullptr if it neither joined nor entered.
  Climber* FindClimber(TrialNumber trial);
  OneLadder& MakeLadder(int64_t bracket);
  Rung& MakeRung(int64_t bracket, int64_t rung);
  Rung* Find(int64_t bracket, int64_t rung);
  void CountUnderWay(const Climber& climber, int64_t change);
  void NotePairs(const RungEntry& entry, int64_t first_rung);

  std::vector<OneLadder> ladders_;  // by bracket
  std::vector<Climber> climbers_;   // by trial
  Rung empty_;                      // what rung() refers to where nothing is
};

}  // namespace athanor
