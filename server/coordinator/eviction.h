// Who gives checkpoints up when room is needed: PAUSED trials of all studies, those first that are the least likely to
// be promoted. A trial without its checkpoints stays PAUSED and ranked as before; promoted, it is trained again from
// step 0, which makes no new rung entry.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "server/coordinator/live_study.h"
#include "server/coordinator/state.h"

namespace athanor {

// The order: lowest rung first; in a rung, by the share of its entries that are better, since values of different
// studies do not compare; then the youngest study, then the highest number. Trials among the best `keep_best` of their
// study are left out.
//
// Valid until the state changes. Reads only. Making it costs O(studies), each Next O(studies + log n).
class EvictionOrder {
 public:
  struct Victim {
    const LiveStudy* study = nullptr;
    TrialNumber trial = 0;
  };

  explicit EvictionOrder(const State& state);
  // Nothing when nobody is left.
  std::optional<Victim> Next();

 private:
  // A place in the paused trials of one study.
  struct Cursor {
    const LiveStudy* study = nullptr;
    std::map<int64_t, OrderStatistics>::const_iterator rung;
    int64_t left = 0;  // trials of the rung not yet looked at: At(left - 1) is the worst of them
  };
  // Whether the cursor stands at a trial that may give way; moves it on to the next such.
  static bool Settle(Cursor& cursor);
  static std::tuple<int64_t, double, StudyId> KeyOf(const Cursor& cursor);

  std::vector<Cursor> cursors_;
};

}  // namespace athanor
