// Where the time of an optimiser step goes.
#pragma once

#include <cstdint>

#include "base/value.h"
#include "tests/bench/training/stopwatch.h"

namespace athanor::training {

// Sums over the steps.
struct StepParts {
  int64_t parameters = 0;  // numbers that are trained
  Reading gather;          // a batch out of the resident data set, standardised
  Reading augment;   // a crop out of the padded image and a flip; off unless asked for, and no part of a step here
  Reading forward;   // outputs and loss
  Reading backward;  // gradients zeroed and computed
  Reading update;    // the update rule
};

// Trains by the same parts as the trainer, in its order, with the clocks read between them: what the trainer itself
// cannot do without being slower. `options` are those of a trial (base/trainer_options).
StepParts MeasureStepParts(const NamedValues& options, int64_t steps);

}  // namespace athanor::training
