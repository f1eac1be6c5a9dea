#include "server/search/acquisition.h"

#include <cmath>
#include <numbers>

namespace athanor {
namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;
constexpr double kFarTail = -25;  // below it the asymptotic series is the more exact one

double LogDensity(double z) { return -0.5 * z * z - kHalfLogTwoPi; }

// Phi(z) = phi(z) / |z| * (1 - t + 3 t^2 - 15 t^3 + ...) with t = 1 / z^2, so that phi + z Phi leaves
// phi * t * (1 - 3 t + 15 t^2 - ...).
LogImprovement FarTail(double z) {
  const double t = 1 / (z * z);
  const double tail = 1 - t * (1 - t * (3 - t * (15 - t * (105 - t * 945))));
  const double rest = -t * (3 - t * (15 - t * (105 - t * (945 - t * 10395))));
  return {.value = LogDensity(z) + std::log(t) + std::log1p(rest), .slope = -z * tail / (1 + rest)};
}

}  // namespace

LogImprovement LogStandardImprovement(double z) {
  if (z <= kFarTail) return FarTail(z);
  const double below = 0.5 * std::erfc(-z / std::numbers::sqrt2);  // Phi
  if (z > -1) {
    const double improvement = std::exp(LogDensity(z)) + z * below;
    return {.value = std::log(improvement), .slope = below / improvement};
  }
  // phi taken out, so that what cancels is of order 1.
  const double mills = below * std::exp(-LogDensity(z));
  const double rest = 1 + z * mills;
  return {.value = LogDensity(z) + std::log(rest), .slope = mills / rest};
}

LogExpectedImprovement LogExpectedImprovementBelow(double best, double mean, double deviation) {
  const double z = (best - mean) / deviation;
  const LogImprovement standard = LogStandardImprovement(z);
  return {.value = std::log(deviation) + standard.value,
          .by_mean = -standard.slope / deviation,
          .by_deviation = (1 - z * standard.slope) / deviation};
}

}  // namespace athanor
