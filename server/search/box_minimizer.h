// Minimising a smooth function over a box: limited-memory BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5) on the
// coordinates that the box leaves free, with projected backtracking (Bertsekas 1982).
#pragma once

#include <span>
#include <vector>

#include "absl/functional/function_ref.h"

namespace athanor {

// The function's value at `x`; writes its gradient there. Both finite wherever it is asked, or the value +inf.
using DifferentiableFunction = absl::FunctionRef<double(std::span<const double> x, std::span<double> gradient)>;

struct Box {
  std::span<const double> lower;
  std::span<const double> upper;  // >= lower
};

struct BoxMinimum {
  std::vector<double> x;
  double value = 0;
};

// The best point met within `max_evaluations` (>= 1) calls of `function`, starting from `start`, moved into the box.
// Ends earlier where no free coordinate has a gradient over 1e-6. Never worse than `start`. Deterministic.
BoxMinimum MinimizeInBox(DifferentiableFunction function, std::span<const double> start, Box box, int max_evaluations);

}  // namespace athanor
