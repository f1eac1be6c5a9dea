// What the rules that pause and promote have in common (Li et al. 2018, arXiv:1810.05934, algorithm 2): when a trial
// pauses, and who may go on from a rung. `asha` and `hyperband` differ in who shares a ladder, and in when a rung may
// promote.
//
// A trial passes the rungs below its first one, entering them, and pauses at its first rung and every later one, but
// the last. A value that reaches several rungs at once enters each of them and pauses at the highest, since a promotion
// from a lower one would resume what is trained already. The rung at max_resource only records: the trial is done. A
// finalist enters rungs and never pauses. +inf pauses too, and is never promoted; on the way to its first rung it
// pauses at once and enters that one as well: a run that has diverged counts among those that it was to be compared
// with, and no more is spent on it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "server/core/ladder.h"
#include "server/stopping/stopping_rule.h"

namespace athanor {

// The rungs that trials of one bracket climb.
struct Climb {
  const std::vector<int64_t>& steps;  // of all rungs, lowest first
  int64_t reduction_factor = 3;
  int64_t ladder = 0;
  int64_t first_rung = 0;

  // The highest rung that trials pause at; -1 if there is none.
  int64_t top() const { return static_cast<int64_t>(steps.size()) - 2; }
};

// StoppingRule::OnValue. kPause at a rung, else kContinue. `bound`: the worst value that would be promoted from the
// rung by its place now; NaN while that is none, where it passes, and at max_resource.
StoppingDecision PauseAtRungs(const Ladder& ladder, const Climb& climb, const TrialValue& value);

// StoppingRule::HoldSteps: rungs below max_resource that the trial has yet to enter and does not pass.
std::vector<int64_t> StepsToPauseAt(const Ladder& ladder, const Climb& climb, TrialNumber trial);

// The best waiting trial of a rung, if it is finite and among the best `promotable` of those that ever entered; ties go
// to the lower number. O(log n).
std::optional<Promotion> BestPromotable(const Rung& rung, int64_t rung_number, int64_t promotable);

// How many trials went on from a rung, promoted or passing: they have entered the next one, or are on the way from here
// to there. The owner must have let every trial Join, Start and Stop. O(rungs).
int64_t WentOn(const Ladder& ladder, int64_t number, int64_t rung);

// The best waiting trial of a rung, if it is finite: for a finalist. O(log n).
std::optional<Promotion> BestWaiting(const Rung& rung, int64_t rung_number);

// Which of two candidates of the same rung number, in different ladders, goes first: the better value, then the lower
// number. Their values are at the same step, so they compare.
bool GoesFirst(const std::optional<Promotion>& candidate, const std::optional<Promotion>& other);

}  // namespace athanor
