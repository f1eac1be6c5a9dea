// What the folders beside the database that hold files of trials, but no facts, know of those trials.
#pragma once

#include "server/core/ids.h"

namespace athanor {

// The trial that a file is of.
struct TrialKey {
  StudyId study = 0;
  TrialNumber trial = 0;
  auto operator<=>(const TrialKey&) const = default;
};

// How much its files are worth: those of a trial that has ended go first where room is wanted, those of one that is
// gone are deleted at the next start.
enum class TrialStanding { kUnfinished, kEnded, kGone };

}  // namespace athanor
