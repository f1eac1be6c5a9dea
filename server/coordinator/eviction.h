// Who gives checkpoints up when room is needed: PAUSED trials of all studies, those first that are the least likely to
// be promoted, then FAILED and CANCELLED ones, of which nobody may ever ask for a retry. A trial without its
// checkpoints stays what it is and ranked as before; promoted or retried, it is trained again from step 0, which makes
// no new rung entry.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "server/coordinator/live_study.h"
#include "server/coordinator/state.h"

namespace athanor {

// The order of the paused: lowest rung first; in a rung, by the share of its entries that are better, since values of
// different studies do not compare; then the youngest study, then the highest number. Of the ended: the oldest study,
// then the lowest number. Trials among the best `keep_best` of their study are left out.
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
  std::optional<Victim> NextEnded();

  std::vector<Cursor> cursors_;  // of the paused
  const std::map<StudyId, std::unique_ptr<LiveStudy>>& studies_;
  std::map<StudyId, std::unique_ptr<LiveStudy>>::const_iterator study_;  // whose ended trials come next,
  TrialNumber after_ = -1;                                               // those past this one
};

}  // namespace athanor
