// Which faults strike whom and when: a pure function of a seed, so that a run that failed can be had again.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace athanor::chaos {

enum class FaultKind {
  // Of processes. Killed ones are started again, stopped ones go on when the fault is over.
  kKillCoordinator,
  kStopCoordinator,
  kKillWorker,
  kStopWorker,
  kKillTrainer,  // one child of the worker; the worker itself starts another
  kStopTrainer,
  // Of the network between one worker and the coordinator.
  kPartition,         // nothing passes, later all of it does
  kCutToCoordinator,  // half-open: bytes are lost in this direction
  kCutFromCoordinator,
  kDelay,
  kSlow,
  kRefuse,
  kReset,
  kClose,
};
inline constexpr int kFaultKinds = static_cast<int>(FaultKind::kClose) + 1;

std::string_view ToString(FaultKind kind);

inline constexpr int kCoordinator = -1;

struct Fault {
  FaultKind kind = FaultKind::kReset;
  int target = kCoordinator;  // or the number of a worker
  Duration begin{};           // since the first moment of the run
  Duration length{};          // how long it lasts; 0 for what is over at once
};

struct PlanOptions {
  uint64_t seed = 0;
  int workers = 1;    // processes; numbers 0 ... workers - 1
  int driven = 0;     // workers without a process, numbers from `workers` on: only the network strikes them
  Duration length{};  // no fault begins later
  Duration lease{};   // faults last from a fraction of it to twice as long
};

// In order of `begin`. No target suffers two faults at once, the coordinator's own apart, which strike everybody. Every
// sixth fault is the kill of a worker while nothing else goes on and for longer than a lease: what shows how soon its
// trials run elsewhere.
std::vector<Fault> MakePlan(const PlanOptions& options);

}  // namespace athanor::chaos
