// Many simulations on several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/simulate/comparison.h"

namespace athanor::cli {

struct RunOptions {
  SimulationOptions simulation;  // but for workers and seed
  std::vector<int64_t> workers;
  int64_t seeds = 10;  // 0, 1, ...
  int jobs = 1;        // threads
  // Where the decision logs go, each after a line that names its simulation; nullptr = nowhere. In the order of the
  // cells, whatever the threads do.
  std::ostream* log = nullptr;
  // Called now and then, by one thread at a time.
  std::function<void(int64_t done, int64_t all)> progress;
};

// One cell a (workers, policy, task), in that order. Independent of `jobs`. The first error, in order of the cells,
// that a simulation met before the others stopped. Blocks until all is done.
absl::StatusOr<std::vector<Cell>> RunAll(std::span<const std::unique_ptr<Task>> tasks, std::span<const Policy> policies,
                                         const RunOptions& options);

}  // namespace athanor::cli
