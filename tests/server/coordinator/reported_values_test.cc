#include "server/coordinator/reported_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::pair<std::string, double>> Pairs(const Measurement& measurement) {
  std::vector<std::pair<std::string, double>> pairs;
  for (const Metric& metric : measurement.metrics) pairs.emplace_back(metric.name, metric.value);
  return pairs;
}

TEST(ReportedValuesTest, HasNothingBeforeTheFirstReport) {
  ReportedValues reported;
  EXPECT_TRUE(reported.empty());
  EXPECT_EQ(reported.last_step(), 0);
  EXPECT_EQ(reported.At(0), std::nullopt);
  EXPECT_EQ(reported.At(1), std::nullopt);
  EXPECT_THAT(reported.Measurements(), IsEmpty());
  reported.Add({3, 10, {}});
  EXPECT_TRUE(reported.empty());
}

TEST(ReportedValuesTest, FindsEachStepWithItsMetrics) {
  ReportedValues reported;
  reported.Add({1, 100, {{"loss", 0.5}, {"accuracy", 0.25}}});
  reported.Add({4, 400, {{"loss", 0.75}}});
  EXPECT_EQ(reported.last_step(), 4);
  ASSERT_TRUE(reported.At(1).has_value());
  EXPECT_EQ(reported.At(1)->step, 1);
  EXPECT_EQ(reported.At(1)->elapsed_ms, 100);
  EXPECT_THAT(Pairs(*reported.At(1)), ElementsAre(Pair("loss", 0.5), Pair("accuracy", 0.25)));
  EXPECT_THAT(Pairs(*reported.At(4)), ElementsAre(Pair("loss", 0.75)));
  for (const int64_t step : {0, 2, 3, 5}) EXPECT_EQ(reported.At(step), std::nullopt) << step;
  EXPECT_THAT(reported.metrics(), ElementsAre("loss", "accuracy"));
}

TEST(ReportedValuesTest, TakesFurtherMetricsOfAnEarlierStepInTheirPlace) {
  ReportedValues reported;
  for (const int64_t step : {1, 2, 3}) reported.Add({step, 10 * step, {{"loss", 1.0}}});
  reported.Add({2, 20, {{"f1", 0.125}, {"recall", 0.5}}});
  EXPECT_EQ(reported.last_step(), 3);
  std::vector<std::pair<int64_t, size_t>> sizes;
  for (const Measurement& at : reported.Measurements()) sizes.emplace_back(at.step, at.metrics.size());
  EXPECT_THAT(sizes, ElementsAre(Pair(1, 1U), Pair(2, 3U), Pair(3, 1U)));
  EXPECT_THAT(Pairs(*reported.At(2)), ElementsAre(Pair("loss", 1.0), Pair("f1", 0.125), Pair("recall", 0.5)));
}

TEST(ReportedValuesTest, KnowsAMetricAgainWhereverItStands) {
  ReportedValues reported;
  reported.Add({1, 0, {{"a", 1}, {"b", 2}}});
  reported.Add({2, 0, {{"b", 3}, {"c", 4}, {"a", 5}}});
  EXPECT_THAT(reported.metrics(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Pairs(*reported.At(2)), ElementsAre(Pair("b", 3), Pair("c", 4), Pair("a", 5)));
}

}  // namespace
}  // namespace athanor
