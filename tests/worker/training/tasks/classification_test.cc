#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/worker/training/tasks/scores_helpers.h"

namespace athanor::training {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Normalization Named(std::vector<std::string> classes) {
  Normalization normalization;
  normalization.classes = std::move(classes);
  return normalization;
}
std::unique_ptr<Task> Classes(int64_t classes, std::vector<std::string> names = {}) {
  return MakeTask({.shape = {.outputs = classes}, .normalization = Named(std::move(names))}, at::kCPU);
}
at::Tensor Rows(const std::vector<double>& values, int64_t columns) {
  return at::tensor(values, at::kFloat).view({-1, columns});
}
at::Tensor Labels(const std::vector<int64_t>& labels) { return at::tensor(labels, at::kLong); }

// Six examples, two a class, by the probabilities that they are given. Taken for classes 0, 1, 1, 1, 2, 0.
const std::vector<int64_t> kLabels = {0, 0, 1, 1, 2, 2};
at::Tensor SixLogits() {
  return Rows({0.6, 0.3, 0.1,  //
               0.3, 0.6, 0.1,  //
               0.1, 0.7, 0.2,  //
               0.2, 0.5, 0.3,  //
               0.1, 0.3, 0.6,  //
               0.5, 0.1, 0.4},
              3)
      .log();
}

TEST(ClassificationScores, AreThoseCountedByHand) {
  const auto task = Classes(3);
  const Metrics metrics = ScoresOf(*task, MetricSet::kFull, SixLogits(), Labels(kLabels))->Values();
  const std::map<std::string, double> expected = {
      {"loss", -std::log(0.6 * 0.3 * 0.7 * 0.5 * 0.6 * 0.4) / 6},
      {"accuracy", 4.0 / 6},
      {"precision", (1.0 / 2 + 2.0 / 3 + 1) / 3},
      {"recall", (1.0 / 2 + 1 + 1.0 / 2) / 3},
      {"f1", (1.0 / 2 + 4.0 / 5 + 2.0 / 3) / 3},
      // Classes 0 and 1: of eight pairs one is the wrong way round, and precision is 1 and 2/3. Class 2 is ranked
      // right.
      {"roc_auc", (7.0 / 8 + 7.0 / 8 + 1) / 3},
      {"pr_auc", (5.0 / 6 + 5.0 / 6 + 1) / 3},
  };
  EXPECT_EQ(NamesOf(metrics), NamesOf(expected));
  for (const auto& [name, value] : expected) EXPECT_NEAR(metrics.at(name), value, 1e-6) << name;
}

TEST(ClassificationScores, OfTheBasicSetAreLossAndAccuracy) {
  const auto task = Classes(3);
  const auto scores = ScoresOf(*task, MetricSet::kBasic, SixLogits(), Labels(kLabels));
  const Metrics metrics = scores->Values();
  EXPECT_EQ(NamesOf(metrics), (std::vector<std::string>{"accuracy", "loss"}));
  EXPECT_NEAR(metrics.at("accuracy"), 4.0 / 6, 1e-12);
  EXPECT_TRUE(scores->Reports().empty());
}

TEST(ClassificationScores, DoNotDependOnTheBatches) {
  const auto task = Classes(3);
  const auto whole = ScoresOf(*task, MetricSet::kFull, SixLogits(), Labels(kLabels));
  const Metrics expected = whole->Values();
  const std::vector<ReportFile> reports = whole->Reports();
  for (const int64_t batch : {1, 2, 4, 5}) {
    const auto scores = ScoresOf(*task, MetricSet::kFull, SixLogits(), Labels(kLabels), batch);
    const Metrics metrics = scores->Values();
    EXPECT_EQ(NamesOf(metrics), NamesOf(expected));
    for (const auto& [name, value] : expected) EXPECT_NEAR(metrics.at(name), value, 1e-7) << name << " " << batch;
    const std::vector<ReportFile> again = scores->Reports();
    ASSERT_EQ(again.size(), reports.size());
    for (size_t i = 0; i < again.size(); ++i) EXPECT_EQ(again[i].contents, reports[i].contents) << reports[i].name;
  }
}

TEST(ClassificationScores, OfNoExamplesAreNone) {
  const auto scores = Classes(3)->NewScores(MetricSet::kFull);
  EXPECT_TRUE(scores->Values().empty());
  EXPECT_TRUE(scores->Reports().empty());
}

TEST(ClassificationScores, ReportsNameTheClasses) {
  const auto task = Classes(3, {"ankle boot", "bag", "shirt, long"});
  const std::vector<ReportFile> reports = ScoresOf(*task, MetricSet::kFull, SixLogits(), Labels(kLabels))->Reports();
  ASSERT_EQ(reports.size(), 4U);
  EXPECT_EQ(reports[0].contents,
            "class,support,precision,recall,f1,roc_auc\n"
            "ankle boot,2,0.5,0.5,0.5,0.875\n"
            "bag,2,0.666667,1,0.8,0.875\n"
            "\"shirt, long\",2,1,0.5,0.666667,1\n");
  EXPECT_EQ(reports[1].contents,
            "actual,ankle boot,bag,\"shirt, long\"\n"
            "ankle boot,1,1,0\n"
            "bag,0,2,0\n"
            "\"shirt, long\",1,0,1\n");
  EXPECT_EQ(reports[2].contents.substr(0, 85),
            "class,threshold,fpr,tpr\nankle boot,inf,0,0\nankle boot,0.6,0,0.5\nankle boot,0.5,0.25,0");
  EXPECT_EQ(reports[3].contents.substr(0, 72),
            "class,threshold,recall,precision\nankle boot,0.6,0.5,1\nankle boot,0.5,0.5");
}

struct ClassesCase {
  const char* what;
  std::vector<int64_t> labels;
  std::vector<int64_t> answers;  // of three classes
  double precision;
  double recall;
  double f1;
  bool has_curves;
};

TEST(ClassificationScores, MeanOverTheClassesSeen) {
  const ClassesCase cases[] = {
      // Class 2 neither occurs nor is predicted.
      {"a class without examples", {0, 0, 1}, {0, 1, 1}, (1 + 0.5) / 2, (0.5 + 1) / 2, 2.0 / 3, true},
      // Class 2 does not occur and is predicted once.
      {"a class predicted wrongly",
       {0, 0, 1},
       {0, 2, 1},
       (1 + 1 + 0) / 3.0,
       (0.5 + 1 + 0) / 3,
       (2.0 / 3 + 1) / 3,
       true},
      // Class 1 was never predicted: its precision counts as 0.
      {"a class never predicted", {0, 0, 1}, {0, 0, 0}, 2.0 / 3 / 2, 0.5, 0.8 / 2, true},
      {"one class only", {0, 0, 0}, {0, 0, 0}, 1, 1, 1, false},
  };
  for (const ClassesCase& c : cases) {
    const auto count = static_cast<int64_t>(c.labels.size());
    const at::Tensor logits = at::zeros({count, 3}).scatter_(1, Labels(c.answers).unsqueeze(1), 1);
    const Metrics metrics = ScoresOf(*Classes(3), MetricSet::kFull, logits, Labels(c.labels))->Values();
    EXPECT_NEAR(metrics.at("precision"), c.precision, 1e-12) << c.what;
    EXPECT_NEAR(metrics.at("recall"), c.recall, 1e-12) << c.what;
    EXPECT_NEAR(metrics.at("f1"), c.f1, 1e-12) << c.what;
    EXPECT_EQ(metrics.contains("roc_auc"), c.has_curves) << c.what;
    EXPECT_EQ(metrics.contains("pr_auc"), c.has_curves) << c.what;
  }
}

TEST(ClassificationScores, CountNonFiniteOutputsAsWrong) {
  for (const double broken : {kNan, std::numeric_limits<double>::infinity()}) {
    at::Tensor logits = SixLogits();
    logits[0][0] = broken;  // a hit of class 0
    logits[2][1] = broken;  // a hit of class 1
    const auto scores = ScoresOf(*Classes(3), MetricSet::kFull, logits, Labels(kLabels), 4);
    const Metrics metrics = scores->Values();
    EXPECT_FALSE(std::isfinite(metrics.at("loss")));
    EXPECT_NEAR(metrics.at("accuracy"), 2.0 / 6, 1e-12);
    EXPECT_NEAR(metrics.at("recall"), (0 + 1.0 / 2 + 1.0 / 2) / 3, 1e-12);
    EXPECT_NEAR(metrics.at("precision"), (0 + 1.0 / 2 + 1) / 3, 1e-12);
    EXPECT_TRUE(std::isnan(metrics.at("roc_auc")));
    EXPECT_TRUE(std::isnan(metrics.at("pr_auc")));
    const std::vector<ReportFile> reports = scores->Reports();
    EXPECT_EQ(reports[1].contents, "actual,0,1,2,no answer\n0,0,1,0,1\n1,0,1,0,1\n2,1,0,1,0\n");
    EXPECT_EQ(reports[2].contents, "class,threshold,fpr,tpr\n");
  }
}

TEST(ClassificationScores, TopFiveLooksAtTheFiveHighest) {
  const at::Tensor falling = at::arange(7).neg().to(at::kFloat).unsqueeze(0);  // class 0 is the highest
  const at::Tensor level = at::zeros({1, 7});
  at::Tensor broken = falling.clone();
  broken[0][6] = kNan;
  struct Case {
    at::Tensor logits;
    int64_t label;
    double expected;
  };
  // Of equal outputs the first counts as the higher.
  const Case cases[] = {{falling, 0, 1}, {falling, 4, 1}, {falling, 5, 0},
                        {level, 4, 1},   {level, 5, 0},   {broken, 0, 0}};
  for (const Case& c : cases) {
    const Metrics metrics = ScoresOf(*Classes(7), MetricSet::kFull, c.logits, Labels({c.label}))->Values();
    EXPECT_EQ(metrics.at("top5_accuracy"), c.expected) << c.label;
  }
  EXPECT_FALSE(
      ScoresOf(*Classes(5), MetricSet::kFull, at::zeros({1, 5}), Labels({0}))->Values().contains("top5_accuracy"));
}

TEST(ClassificationScores, RankConfidentOutputsThatFloat32WouldNotTellApart) {
  // In float32 both probabilities of class 0 are 1.
  const at::Tensor logits = Rows({20, 0, 30, 0, 18, 0}, 2);
  const Metrics metrics = ScoresOf(*Classes(2), MetricSet::kFull, logits, Labels({0, 0, 1}))->Values();
  EXPECT_EQ(metrics.at("roc_auc"), 1);
}

// Two labels of four examples. Predicted: 1 0 1 1 and 0 0 1 0.
at::Tensor LabelLogits() { return Rows({1, -1, -1, -1, 2, 3, 0, -2}, 2); }
at::Tensor LabelTargets() { return Rows({1, 0, 1, 1, 0, 1, 1, 0}, 2); }

std::unique_ptr<Task> TwoLabels() {
  return MakeTask({.options = {.task = TaskKind::kMultiLabel, .loss = LossKind::kBinaryCrossEntropy},
                   .shape = {.outputs = 2},
                   .normalization = Named({"sunny", "warm"})},
                  at::kCPU);
}

TEST(MultiLabelScores, AreThoseCountedByHand) {
  const auto task = TwoLabels();
  for (const int64_t batch : {1, 3, 4}) {
    const auto scores = ScoresOf(*task, MetricSet::kFull, LabelLogits(), LabelTargets(), batch);
    const Metrics metrics = scores->Values();
    // -ln sigmoid of the logit, or of its opposite where the label is not there
    double loss = 0;
    for (const double toward : {1, 1, -1, -1, -2, 3, 0, 2}) loss += std::log1p(std::exp(-toward)) / 8;
    const std::map<std::string, double> expected = {
        {"loss", loss},
        {"accuracy", 5.0 / 8},
        {"precision", (2.0 / 3 + 1) / 2},
        {"recall", (2.0 / 3 + 1.0 / 2) / 2},
        {"f1", (2.0 / 3 + 2.0 / 3) / 2},
        // The first label's only negative is ranked above all; the second has one tie in four pairs.
        {"roc_auc", (0 + 3.5 / 4) / 2},
        {"pr_auc", ((1.0 / 2 + 2.0 / 3 + 3.0 / 4) / 3 + (1 + 2.0 / 3) / 2) / 2},
    };
    EXPECT_EQ(NamesOf(metrics), NamesOf(expected));
    for (const auto& [name, value] : expected) EXPECT_NEAR(metrics.at(name), value, 1e-6) << name << " " << batch;
    const std::vector<ReportFile> reports = scores->Reports();
    EXPECT_EQ(reports[0].contents,
              "class,support,precision,recall,f1,roc_auc\nsunny,3,0.666667,0.666667,0.666667,0\nwarm,2,1,0.5,0.666667,"
              "0.875\n");
    EXPECT_EQ(reports[1].contents,
              "label,true_positives,false_positives,false_negatives,true_negatives\nsunny,2,1,1,0\nwarm,1,0,1,2\n");
  }
}

TEST(MultiLabelScores, OfTheBasicSetAreLossAndAccuracy) {
  const auto scores = ScoresOf(*TwoLabels(), MetricSet::kBasic, LabelLogits(), LabelTargets());
  EXPECT_EQ(NamesOf(scores->Values()), (std::vector<std::string>{"accuracy", "loss"}));
  EXPECT_TRUE(scores->Reports().empty());
  EXPECT_TRUE(TwoLabels()->NewScores(MetricSet::kFull)->Values().empty());
}

TEST(MultiLabelScores, CountNonFiniteOutputsAsWrongLabelByLabel) {
  at::Tensor logits = LabelLogits();
  logits[2][1] = kNan;  // the only hit of the second label
  const Metrics metrics = ScoresOf(*TwoLabels(), MetricSet::kFull, logits, LabelTargets())->Values();
  EXPECT_TRUE(std::isnan(metrics.at("loss")));
  EXPECT_NEAR(metrics.at("accuracy"), 4.0 / 8, 1e-12);
  EXPECT_NEAR(metrics.at("recall"), (2.0 / 3 + 0) / 2, 1e-12);
  EXPECT_TRUE(std::isnan(metrics.at("roc_auc")));
}

TEST(MultiLabelScores, LeaveOutCurvesOfALabelThatAllHave) {
  const at::Tensor targets = Rows({1, 0, 1, 1, 1, 1, 1, 0}, 2);
  const Metrics metrics = ScoresOf(*TwoLabels(), MetricSet::kFull, LabelLogits(), targets)->Values();
  EXPECT_NEAR(metrics.at("roc_auc"), 3.5 / 4, 1e-12);
}

}  // namespace
}  // namespace athanor::training
