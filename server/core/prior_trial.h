// What a study that starts from earlier ones knows of their trials.
#pragma once

#include <cstdint>

#include "server/core/search_space.h"

namespace athanor {

// A trial of an earlier study, mapped into this study's space.
struct PriorTrial {
  Configuration configuration;
  double score = 0;    // the share of its own study's trials with a finite value that were better, in [0, 1)
  int64_t source = 0;  // its study: the position in StudySpec::warm_start
};

}  // namespace athanor
