// Whether the facts of a store can have come about: the invariants of SEMANTICS sections 2 to 4, checked over what any
// store holds, whoever wrote it.
//
// Checked of every study:
// - its specification spans a search space and makes a stopping rule; state, end and reason agree with its trials: a
//   study that has ended has no unfinished trial, one that goes on has fewer FAILED trials than max_failures;
// - budgets: trials dense from 0 and, with those enqueued, never more than `trials` (`parallel` may have been lowered
//   while more ran); a suggestion used once; under a grid every trial is the point of its suggestion_index; trials of
//   earlier studies lie in the space;
// - attempts: a RUNNING trial has exactly one live attempt, its last; no other trial has one; how the last one ended
//   agrees with the state; tokens are unique over all studies;
// - measurements: past the step that the attempt went on from; archived if, and only if, a later attempt went on from
//   before them, so that no two that count share a step; best, final and elapsed time of the trial are those of its
//   counting rows;
// - rungs: entered from 0 without gaps, in the trial's bracket, each by the first value that its attempt reported at or
//   past it (live or archived), or by the end of the trial; promoted if, and only if, a decision says so;
// - decisions: on what their attempt reported or their rung holds, in order of tokens, with revisions up to the
// study's;
//   a pause or a prune ended its attempt as such, and no attempt was paused without one;
// - checkpoints: of attempts that exist.
// Non-finite values compare as what they are: NaN equals NaN.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace athanor {

// One thing that cannot be.
struct Violation {
  StudyId study = 0;
  std::string study_name;
  std::optional<TrialNumber> trial;
  std::string what;
  std::string want;
  std::string have;
};

// `study 3 "lenet", trial 17: best_value: want 0.93, have 0.94`, one line.
std::string ToString(const Violation& violation);

// How much was looked at, and what was found.
struct HistoryCounts {
  int64_t studies = 0;
  int64_t trials = 0;
  int64_t attempts = 0;
  int64_t measurements = 0;
  int64_t violations = 0;
};

// Calls `found` once a violation, in order of study and trial, on this thread. The store should not change meanwhile.
//
// Errors: those of the store's reads; CANCELLED once `stop` is requested, which is looked at once a trial.
//
// Performance: one pass a study, trial by trial: a handful of reads a trial and one an attempt. Memory: the image of
// one study (trials, rung entries, checkpoints; no measurements but those of one trial and the live attempts).
absl::StatusOr<HistoryCounts> CheckHistory(Store& store, const std::function<void(const Violation&)>& found,
                                           const std::stop_token& stop = {});

}  // namespace athanor
