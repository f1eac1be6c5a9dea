// How soon the trials of a worker that died ran elsewhere.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/integration/chaos/driver.h"
#include "tests/integration/chaos/facts.h"
#include "tests/integration/chaos/fleet.h"

namespace athanor::chaos {

struct TakeoverOptions {
  std::vector<WorkerSpec> workers;          // by number, the driven ones last
  std::map<std::string, int> slots_in_use;  // by kind: so many trials of its studies run at once at most
};

struct Takeovers {
  int64_t measured = 0;
  int64_t worst_ms = 0;  // of those measured
  int64_t left_out = 0;
};

// From a worker's death (killed; stopped or silent for longer than a lease) to the start of the next attempt of each
// trial that it had, by the attempts that the coordinator tells of.
//
// Measured are those during which the coordinator was up and a slot was free for certain: the workers of that kind that
// nothing struck, from 3 s before the death until the next attempt, have at least as many slots as the studies of that
// kind run trials. The others are left out, and so are those of workers that came back first.
Takeovers MeasureTakeovers(const Facts& facts, std::vector<Outage> outages, const std::vector<Silence>& silences,
                           const TakeoverOptions& options);

}  // namespace athanor::chaos
