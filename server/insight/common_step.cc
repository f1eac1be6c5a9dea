#include "server/insight/common_step.h"

#include <algorithm>
#include <set>

namespace athanor {

CommonStep ChooseCommonStep(std::span<const OrientedCurve> curves, std::span<const int64_t> rungs) {
  std::set<int64_t> steps(rungs.begin(), rungs.end());
  if (rungs.empty()) {
    for (const OrientedCurve& curve : curves) {
      for (const OrientedPoint& point : curve) steps.insert(point.step);
    }
  }
  std::vector<int64_t> last;  // of each curve, ascending
  for (const OrientedCurve& curve : curves) {
    if (!curve.empty()) last.push_back(curve.back().step);
  }
  std::ranges::sort(last);
  CommonStep common;
  std::ptrdiff_t most = 0;
  for (const int64_t step : steps) {
    const std::ptrdiff_t reached = last.end() - std::ranges::lower_bound(last, step);
    if (reached == 0 || reached < most) continue;
    most = reached;
    common.step = step;
  }
  for (const OrientedCurve& curve : curves) {
    const auto at = std::ranges::lower_bound(curve, common.step, {}, &OrientedPoint::step);
    common.values.push_back(at == curve.end() ? std::nullopt : std::optional(at->value));
  }
  return common;
}

}  // namespace athanor
