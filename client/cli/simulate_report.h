// What `athanor simulate` prints.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "client/cli/output.h"
#include "client/cli/styled_text.h"
#include "server/simulate/comparison.h"

namespace athanor::cli {

// Cells as RunAll makes them, and what they are cells of.
struct Simulated {
  std::span<const std::unique_ptr<Task>> tasks;
  std::span<const Policy> policies;  // the first is the baseline
  std::span<const Cell> cells;
  double cut_off = 100;
};

enum class PerTask { kLeaveOut, kInclude };  // in the text; the data always hold every task

// How much sooner each policy reaches each target than the baseline: a record a (workers, policy, target, task), and
// one with task "all" for the geometric mean. Every task has the same targets, at least one.
Answer SpeedUpAnswer(const Simulated& simulated, const Look& look, PerTask per_task);

// What each policy used and how good its best was: a record a (workers, policy, task); in the text a row a (workers,
// policy), and how many tasks it won: those on which no other has a lower mean regret at the end.
Answer TotalsAnswer(const Simulated& simulated, const Look& look, PerTask per_task);

// Mean regret against virtual time, steps and trials: a record a (workers, policy, task, axis, place). A place where
// not every seed has a value is left out.
Answer RegretAnswer(const Simulated& simulated, const Look& look);

}  // namespace athanor::cli
