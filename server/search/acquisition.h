// How much a point promises: the logarithm of the expected improvement (Ament, Daulton, Eriksson, Balandat and Bakshy
// 2023, arXiv:2310.20708), which keeps a slope where the improvement itself underflows to 0.
#pragma once

namespace athanor {

// log(phi(z) + z Phi(z)) and its derivative by z, for every finite z: with phi and Phi the density and distribution
// of the standard normal. Relative error below 1e-9.
struct LogImprovement {
  double value = 0;
  double slope = 0;
};
LogImprovement LogStandardImprovement(double z);

// log E[max(best - Y, 0)] for Y ~ N(mean, deviation^2), deviation > 0; smaller is better. Its derivatives are by `mean`
// and by `deviation`.
struct LogExpectedImprovement {
  double value = 0;
  double by_mean = 0;
  double by_deviation = 0;
};
LogExpectedImprovement LogExpectedImprovementBelow(double best, double mean, double deviation);

}  // namespace athanor
