// What a study can take over from the trials of earlier studies with the same objective.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "server/core/prior_trial.h"
#include "server/core/search_space.h"
#include "server/core/study_spec.h"
#include "server/core/trial.h"

namespace athanor {

struct EarlierStudy {
  const StudySpec& spec;
  const SearchSpace& space;
  std::span<const Trial> trials;
};

// At most so many trials are taken over, of all studies together: those with the best scores; among equals, those of
// the later study in the list, then the newest.
inline constexpr size_t kMaxPriorTrials = 1000;

// The trials of `sources` that lie in `space`, in order of source, then of number.
//
// A trial counts if its best value is finite, whatever its state. Parameters are matched by name; where an earlier
// study fixed an option of the trainer that is tuned now, its trials have that value. An int is taken where a float is
// wanted. A trial is left out if an active parameter of `space` has no value in it, or one out of range, off the grid
// or not among the choices; what `space` does not have, or leaves inactive, is dropped.
//
// A score is the share of its own study's trials that count and were better, whether or not those are taken over; so
// values need not be on one scale from study to study, only ranked alike.
//
// Pure. O(trials * (parameters + log trials)).
std::vector<PriorTrial> TakeOver(const SearchSpace& space, std::span<const EarlierStudy> sources);

}  // namespace athanor
