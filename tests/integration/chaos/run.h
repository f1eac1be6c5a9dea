// One run of all studies from submission to their end: undisturbed, or under a plan of faults.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/integration/chaos/driver.h"
#include "tests/integration/chaos/facts.h"
#include "tests/integration/chaos/fault_plan.h"
#include "tests/integration/chaos/fleet.h"
#include "tests/integration/chaos/studies.h"

namespace athanor::chaos {

struct RunOptions {
  std::filesystem::path programs;
  std::filesystem::path folder;  // exists
  uint64_t seed = 0;
  std::vector<ChaosStudy> studies;
  std::vector<WorkerSpec> workers;
  std::vector<Fault> plan;  // empty: undisturbed
  int driven = 0;
  Duration lease{};
};

struct RunResult {
  Facts facts;
  DriverLog driver;
  std::map<FaultKind, int> struck;
  std::vector<Outage> outages;
  std::filesystem::path database;  // at rest
};

// Steps take 80 ms while faults strike, and none otherwise. Faults stop at the end of the plan or when every study has
// ended; then everything is healed, the workers are drained and started again, and the studies run to their end.
// DEADLINE_EXCEEDED if they do not within two minutes. Throws std::runtime_error as Fleet does.
absl::StatusOr<RunResult> Run(const RunOptions& options);

}  // namespace athanor::chaos
