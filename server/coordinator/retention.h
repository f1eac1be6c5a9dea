// Which checkpoints of a study are needed, and why the others are not.
//
//   trial                                       needed
//   WAITING, RUNNING                            the two newest: what the next attempt goes on from and, should that be
//                                               unreadable, the one before
//   PAUSED with a finite value at its rung      the two newest likewise: it may be promoted or become a finalist, if
//                                               only because others fail or the budget is raised
//   PAUSED with +inf                            none: such a trial is never promoted and never a finalist
//   ended, among the best `keep_best` of those  the newest
//   that have ended
//   FAILED or CANCELLED otherwise               the newest, as long as its study may go on and nobody asked for the
//                                               room: a retry goes on from there
//   any other                                   none
//
// Ended trials are ranked among themselves because their values stay: a running trial that is better at the moment may
// yet lose its lead, when rows past a lost checkpoint are archived.
//
// Pure. O(log n) in the trials of the study.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "server/core/ids.h"
#include "server/core/trial.h"

namespace athanor {

class LiveStudy;

// All that the rule looks at.
struct RetentionFacts {
  TrialState state = TrialState::kWaiting;
  StudyState study = StudyState::kActive;
  double rung_value = 0;              // of a PAUSED trial: oriented, what it entered its rung with
  std::optional<int64_t> place = {};  // of an ended trial with a finite value: among those, 0 = best
  int64_t keep_best = 1;
};
RetentionFacts FactsOf(const LiveStudy& study, TrialNumber trial);

// Whether what only the retry of a FAILED or CANCELLED trial would use is kept. kFromScratch: it trains from step 0.
enum class Retries { kResume, kFromScratch };

struct Retention {
  size_t newest = 0;   // so many of the trial's newest checkpoints are needed
  std::string reason;  // why those older than that are not, as a phrase for people
};
Retention Retain(const RetentionFacts& facts, Retries retries);

// Whether the trial is among the best `keep_best` of all trials that have a value, ended or not.
bool IsAmongBest(const LiveStudy& study, TrialNumber trial);

}  // namespace athanor
