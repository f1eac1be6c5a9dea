// What a disturbed run must hold true, and how it compares with an undisturbed one of the same seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/integration/chaos/driver.h"
#include "tests/integration/chaos/facts.h"
#include "tests/integration/chaos/studies.h"

namespace athanor::chaos {

// A sentence each; none: all is well.
using Problems = std::vector<std::string>;

// Every study COMPLETED with exactly its budget of trials, numbered densely, all of them ended, none FAILED; tokens
// ascending and never twice; every attempt ended; only the last one by an end of the trial; no configuration of a grid
// twice; no step twice in a curve.
Problems CheckInvariants(const Facts& facts, const std::vector<ChaosStudy>& studies);

// As each study's promise says.
Problems Compare(const Facts& undisturbed, const Facts& disturbed, const std::vector<ChaosStudy>& studies);

// How acknowledged reports came through.
struct Durability {
  int64_t acknowledged = 0;
  int64_t lost = 0;        // no row of that trial, token, step and value
  int64_t duplicated = 0;  // more than one
};
// `study` is the driver's. Problems name what is lost or duplicated, and trials whose acknowledged end is not there.
Durability CheckAcknowledged(const StudyFacts& study, const DriverLog& log, Problems& problems);

}  // namespace athanor::chaos
