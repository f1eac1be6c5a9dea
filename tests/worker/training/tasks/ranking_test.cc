#include "worker/training/tasks/ranking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace athanor::training {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<ScoredExample> Examples(const std::vector<double>& positives, const std::vector<double>& negatives) {
  std::vector<ScoredExample> examples;
  for (const double score : positives) examples.push_back({score, true});
  for (const double score : negatives) examples.push_back({score, false});
  return examples;
}

TEST(Ranking, AreasAreThoseCountedByHand) {
  struct Case {
    const char* what;
    std::vector<double> positives;
    std::vector<double> negatives;
    double roc_area;
    double average_precision;
  };
  const Case cases[] = {
      {"all right", {0.9, 0.8}, {0.2, 0.1}, 1, 1},
      // Precision at the two positives: 1/3 and 2/4.
      {"all wrong", {0.2, 0.1}, {0.9, 0.8}, 0, (1.0 / 3 + 1.0 / 2) / 2},
      // 3 of 4 pairs; precision 1 at the first, 2/3 at the second.
      {"one pair wrong", {0.8, 0.35}, {0.4, 0.1}, 0.75, (1 + 2.0 / 3) / 2},
      {"all tied", {0.5, 0.5, 0.5}, {0.5}, 0.5, 0.75},
      // 0.5 ties with one negative: 1 + 1 + 1/2 + 1 of 4 pairs; the group has precision 2/3.
      {"one tie", {0.9, 0.5}, {0.5, 0.1}, 0.875, (1 + 2.0 / 3) / 2},
      {"infinite scores", {kInfinity, 0}, {-kInfinity, 0}, 0.875, (1 + 2.0 / 3) / 2},
      {"one of each", {1}, {0}, 1, 1},
  };
  for (const Case& c : cases) {
    std::vector<ScoredExample> examples = Examples(c.positives, c.negatives);
    for (int order = 0; order < 2; ++order) {
      const Ranking ranking(examples);
      EXPECT_NEAR(ranking.RocArea().value(), c.roc_area, 1e-12) << c.what;
      EXPECT_NEAR(ranking.AveragePrecision().value(), c.average_precision, 1e-12) << c.what;
      examples = {examples.rbegin(), examples.rend()};
    }
  }
}

TEST(Ranking, NothingIsDefinedWithoutBothKinds) {
  for (const auto& examples : {Examples({}, {}), Examples({1, 2}, {}), Examples({}, {1}), Examples({kNan}, {})}) {
    const Ranking ranking(examples);
    EXPECT_FALSE(ranking.RocArea().has_value());
    EXPECT_FALSE(ranking.AveragePrecision().has_value());
    EXPECT_TRUE(ranking.RocCurve(10).empty());
    EXPECT_TRUE(ranking.PrecisionRecallCurve(10).empty());
  }
}

TEST(Ranking, AreasAreNanIfAScoreIs) {
  const Ranking ranking(Examples({0.9, kNan}, {0.1}));
  EXPECT_TRUE(std::isnan(ranking.RocArea().value()));
  EXPECT_TRUE(std::isnan(ranking.AveragePrecision().value()));
  EXPECT_TRUE(ranking.RocCurve(10).empty());
  EXPECT_TRUE(ranking.PrecisionRecallCurve(10).empty());
}

TEST(Ranking, CurvesHaveOnePointAGroupOfEqualScores) {
  const Ranking ranking(Examples({0.9, 0.5}, {0.5, 0.1}));
  const std::vector<RocPoint> roc = ranking.RocCurve(10);
  const std::vector<PrecisionRecallPoint> precision_recall = ranking.PrecisionRecallCurve(10);
  // threshold, false and true positive rate
  const std::vector<std::vector<double>> wanted_roc = {{kInfinity, 0, 0}, {0.9, 0, 0.5}, {0.5, 0.5, 1}, {0.1, 1, 1}};
  // threshold, recall, precision
  const std::vector<std::vector<double>> wanted_pr = {{0.9, 0.5, 1}, {0.5, 1, 2.0 / 3}, {0.1, 1, 0.5}};
  ASSERT_EQ(roc.size(), wanted_roc.size());
  for (size_t i = 0; i < roc.size(); ++i) {
    EXPECT_EQ((std::vector{roc[i].threshold, roc[i].false_positive_rate, roc[i].true_positive_rate}), wanted_roc[i]);
  }
  ASSERT_EQ(precision_recall.size(), wanted_pr.size());
  for (size_t i = 0; i < precision_recall.size(); ++i) {
    const PrecisionRecallPoint& point = precision_recall[i];
    EXPECT_EQ((std::vector{point.threshold, point.recall, point.precision}), wanted_pr[i]);
  }
}

TEST(Ranking, CurvesAreThinnedAlongTheirWayAndKeepTheirEnds) {
  // Positives and negatives take turns, so that the way along the ROC curve grows by the same at every example.
  std::vector<ScoredExample> examples;
  for (int i = 0; i < 10000; ++i) examples.push_back({.score = 1 - i / 10000.0, .positive = i % 2 == 0});
  const Ranking ranking(examples);
  for (const size_t most : {2, 3, 10, 200}) {
    const std::vector<RocPoint> roc = ranking.RocCurve(most);
    ASSERT_LE(roc.size(), most);
    ASSERT_GE(roc.size(), most - 1);
    EXPECT_EQ(roc.front().threshold, kInfinity);
    EXPECT_EQ(roc.back().true_positive_rate, 1);
    EXPECT_EQ(roc.back().false_positive_rate, 1);
    for (size_t i = 1; i < roc.size(); ++i) {
      const double way = roc[i].true_positive_rate - roc[i - 1].true_positive_rate + roc[i].false_positive_rate -
                         roc[i - 1].false_positive_rate;
      EXPECT_LE(way, 2 * 2.0 / static_cast<double>(most - 1)) << most << " " << i;
    }
    const std::vector<PrecisionRecallPoint> precision_recall = ranking.PrecisionRecallCurve(most);
    EXPECT_LE(precision_recall.size(), most);
    EXPECT_EQ(precision_recall.front().threshold, 1);
    EXPECT_EQ(precision_recall.back().recall, 1);
    EXPECT_EQ(precision_recall.back().precision, 0.5);
  }
}

TEST(Ranking, ThinsACurveWhoseWayIsOnePoint) {
  // All positives tie at the top: recall is 1 from the first threshold on.
  std::vector<ScoredExample> examples = {{1, true}};
  for (int i = 0; i < 100; ++i) examples.push_back({-static_cast<double>(i), false});
  const std::vector<PrecisionRecallPoint> points = Ranking(examples).PrecisionRecallCurve(10);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].precision, 1);
  EXPECT_EQ(points[1].precision, 1.0 / 101);
}

}  // namespace
}  // namespace athanor::training
