#include "server/search/result_scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace athanor {
namespace {

using ::testing::Each;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr ResultScale kScales[] = {ResultScale::kDistances, ResultScale::kRanks};

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::vector<double> Standardised(std::vector<double> values) {
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
  for (double& value : values) value = (value - mean) / deviation;
  return values;
}

void ExpectNear(const std::vector<double>& seen, const std::vector<double>& expected) {
  ASSERT_EQ(seen.size(), expected.size());
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_NEAR(seen[i], expected[i], 1e-9) << i;
}

// Shares (rank - 1/2) / 5: 1 at 0.1, both of 7 at 0.4, in the middle of ranks 2 and 3, 8 at 0.7 and 1e9 at 0.9.
TEST(ResultScaleTest, RanksBecomeNormalQuantilesAndEqualValuesShareTheirMeanRank) {
  const double quantile_90 = 1.2815515655446004, quantile_70 = 0.5244005127080407, quantile_40 = -0.2533471031357997;
  ExpectNear(StandardiseResults(std::vector<double>{7, 1, 1e9, 7, 8}, ResultScale::kRanks),
             Standardised({quantile_40, -quantile_90, quantile_90, quantile_40, quantile_70}));
}

TEST(ResultScaleTest, FailuresAreAsBadAsTheWorst) {
  for (const ResultScale scale : kScales) {
    const std::vector<double> standardised = StandardiseResults(std::vector<double>{1, kInfinity, 2, 4}, scale);
    EXPECT_EQ(standardised[1], standardised[3]);
    EXPECT_LT(standardised[2], standardised[3]);
  }
}

TEST(ResultScaleTest, EqualResultsAreZeroAndHugeOnesStayFiniteAndInOrder) {
  const std::vector<std::vector<double>> huge = {
      {-1, -1, -1, 1e300, kInfinity}, {-1e308, 1e308, 1.5e308}, {0, 1e-320, 1e308}, {-1e-320, 0, 1e300}};
  for (const ResultScale scale : kScales) {
    EXPECT_THAT(StandardiseResults(std::vector<double>{7, 7, 7}, scale), Each(0.0));
    EXPECT_THAT(StandardiseResults(std::vector<double>{3}, scale), Each(0.0));
    for (const std::vector<double>& results : huge) {
      const std::vector<double> standardised = StandardiseResults(results, scale);
      EXPECT_TRUE(std::ranges::is_sorted(standardised));
      EXPECT_LT(standardised.front(), standardised.back());
      for (const double value : standardised) EXPECT_TRUE(std::isfinite(value)) << value;
    }
  }
}

// Phi(1) = 0.841345: of 0 ~ N(0, 1), that it is at most 1, which is true; of 1 ~ N(0, 4), that it is at most 0, 1/2.
TEST(RankedProbabilityScoreTest, IsTheMeanSquareErrorOfBelievingOneValueNoWorseThanAnother) {
  const std::vector<Prediction> predictions = {{.mean = 0, .variance = 1}, {.mean = 0, .variance = 4}};
  const double first = 1 - 0.8413447460685429, second = 0.5;
  EXPECT_NEAR(RankedProbabilityScore(std::vector<double>{0, 1}, predictions), (first * first + second * second) / 2,
              1e-12);
}

TEST(RankedProbabilityScoreTest, PrefersWhatIsSureAndRightToWhatIsUnsureAndThatToWhatIsSureAndWrong) {
  const std::vector<double> values = {1, 2, 3};
  const auto score = [&](double first, double last, double variance) {
    return RankedProbabilityScore(values, std::vector<Prediction>{{.mean = first, .variance = variance},
                                                                  {.mean = 2, .variance = variance},
                                                                  {.mean = last, .variance = variance}});
  };
  EXPECT_LT(score(1, 3, 0.01), score(1, 3, 1));
  EXPECT_LT(score(1, 3, 1), score(1, 3, 1e6));
  EXPECT_NEAR(score(1, 3, 1e6), 0.25, 1e-2);
  EXPECT_LT(score(1, 3, 1e6), score(3, 1, 0.01));
}

TEST(RankedProbabilityScoreTest, OneValueHasNothingToBeComparedWith) {
  EXPECT_EQ(RankedProbabilityScore(std::vector<double>{1}, std::vector<Prediction>{{.mean = 5, .variance = 1}}), 0);
  EXPECT_EQ(RankedProbabilityScore({}, {}), 0);
}

}  // namespace
}  // namespace athanor
