#include "server/search/acquisition.h"

#include <gtest/gtest.h>

#include <cmath>

namespace athanor {
namespace {

// Computed with 120 digits: log(phi(z) + z Phi(z)) and Phi(z) / (phi(z) + z Phi(z)).
TEST(AcquisitionTest, LogImprovementIsExactFromTheFarTailUp) {
  struct Case {
    double z, value, slope;
  };
  const Case cases[] = {
      {5, 1.6094379231264314, 0.19999994053122005},     {1, 0.08002621884930694, 0.77663872520173926},
      {0, -0.91893853320467274, 1.2533141373155003},    {-0.5, -1.6205162643873199, 1.5598731483480797},
      {-1, -2.4851210257126413, 1.9042712333296918},    {-1.0000001, -2.4851212161397684, 1.9042713055274622},
      {-5, -16.74430116266099, 5.3618162412880885},     {-24.99, -319.61071722137368, 25.069651794329124},
      {-25.01, -320.11230962614204, 25.08958869908672}, {-100, -5010.1295788002498, 100.01999400419587},
      {-1e4, -50000019.339619307, 10000.000199999994},  {-1e8, -5000000000000037.8, 100000000.00000002},
  };
  for (const Case& c : cases) {
    const LogImprovement at = LogStandardImprovement(c.z);
    EXPECT_NEAR(at.value, c.value, 1e-9 * std::abs(c.value)) << c.z;
    EXPECT_NEAR(at.slope, c.slope, 1e-9 * c.slope) << c.z;
  }
}

// A mean of `best` and deviation s: E[max(-sZ, 0)] = s / sqrt(2 pi).
TEST(AcquisitionTest, ExpectedImprovementScalesWithTheDeviation) {
  EXPECT_NEAR(LogExpectedImprovementBelow(3, 3, 2).value, std::log(2) - 0.91893853320467274, 1e-12);
  // Certain improvement by 4.
  EXPECT_NEAR(LogExpectedImprovementBelow(3, -1, 1e-6).value, std::log(4), 1e-12);
}

TEST(AcquisitionTest, DerivativesAreThoseOfFiniteDifferences) {
  for (const double mean : {-2.0, 0.5, 4.0, 90.0}) {
    for (const double deviation : {0.3, 1.0, 2.5}) {
      const LogExpectedImprovement at = LogExpectedImprovementBelow(0.4, mean, deviation);
      const double h = 1e-6;
      const double by_mean = (LogExpectedImprovementBelow(0.4, mean + h, deviation).value -
                              LogExpectedImprovementBelow(0.4, mean - h, deviation).value) /
                             (2 * h);
      const double by_deviation = (LogExpectedImprovementBelow(0.4, mean, deviation + h).value -
                                   LogExpectedImprovementBelow(0.4, mean, deviation - h).value) /
                                  (2 * h);
      EXPECT_NEAR(at.by_mean, by_mean, 1e-4 * std::abs(by_mean) + 1e-7) << mean << " " << deviation;
      EXPECT_NEAR(at.by_deviation, by_deviation, 1e-4 * std::abs(by_deviation) + 1e-7) << mean << " " << deviation;
    }
  }
}

}  // namespace
}  // namespace athanor
