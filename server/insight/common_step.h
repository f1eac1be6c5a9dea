// At which step trials that were stopped early can be compared with the others.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace athanor {

struct CommonStep {
  int64_t step = 0;                           // 0: no trial has a value
  std::vector<std::optional<double>> values;  // by curve: the value there
};

// A trial's objective by step, ascending.
struct OrientedPoint {
  int64_t step = 0;
  double value = 0;
};
using OrientedCurve = std::vector<OrientedPoint>;

// The rung (of `rungs`, ascending; without rungs: any step of any curve) that most curves reach; of several the
// highest, where they have learned most. A curve reaches it by its first value at or past it. O(points log points).
CommonStep ChooseCommonStep(std::span<const OrientedCurve> curves, std::span<const int64_t> rungs);

}  // namespace athanor
