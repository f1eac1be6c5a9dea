#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/worker/training/tasks/scores_helpers.h"

namespace athanor::training {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

at::Tensor Rows(const std::vector<double>& values, int64_t columns) {
  return at::tensor(values, at::kFloat).view({-1, columns});
}

Normalization Standardised(std::vector<double> mean, std::vector<double> stddev) {
  Normalization normalization;
  normalization.target_mean = std::move(mean);
  normalization.target_stddev = std::move(stddev);
  return normalization;
}

// Two numbers; a standard deviation is 2 units of the first and 10 of the second.
std::unique_ptr<Task> TwoNumbers() {
  return MakeTask({.options = {.task = TaskKind::kRegression, .loss = LossKind::kMse},
                   .shape = {.outputs = 2},
                   .normalization = Standardised({10, 100}, {2, 10})},
                  at::kCPU);
}
at::Tensor Targets() { return Rows({0, 0, 1, 0, 2, 3}, 2); }
at::Tensor Outputs() { return Rows({1, 0, 1, 1, 1, 3}, 2); }  // errors 1 0, 0 1, -1 0

TEST(RegressionScores, AreThoseCountedByHand) {
  const auto task = TwoNumbers();
  for (const int64_t batch : {1, 2, 3}) {
    const Metrics metrics = ScoresOf(*task, MetricSet::kFull, Outputs(), Targets(), batch)->Values();
    const std::map<std::string, double> expected = {
        {"loss", 3.0 / 6},
        {"rmse", std::sqrt((2 * 4 + 1 * 100) / 6.0)},
        {"mae", (2 * 2 + 1 * 10) / 6.0},
        {"r2", ((1 - 2.0 / 2) + (1 - 1.0 / 6)) / 2},
    };
    EXPECT_EQ(NamesOf(metrics), NamesOf(expected));
    for (const auto& [name, value] : expected) EXPECT_NEAR(metrics.at(name), value, 1e-12) << name << " " << batch;
  }
}

TEST(RegressionScores, OfTheBasicSetAreLossAndRmse) {
  const auto scores = ScoresOf(*TwoNumbers(), MetricSet::kBasic, Outputs(), Targets());
  EXPECT_EQ(NamesOf(scores->Values()), (std::vector<std::string>{"loss", "rmse"}));
  EXPECT_TRUE(scores->Reports().empty());
  EXPECT_TRUE(TwoNumbers()->NewScores(MetricSet::kFull)->Values().empty());
}

TEST(RegressionScores, R2LooksAtTheTargetsThatVary) {
  struct Case {
    const char* what;
    std::vector<double> targets;
    double r2;  // NaN: none
  };
  const Case cases[] = {
      {"the second does not vary", {0, 0.1, 1, 0.1, 2, 0.1}, 1 - 2.0 / 2},
      {"none varies", {0.3, 0.1, 0.3, 0.1, 0.3, 0.1}, kNan},
      {"far from zero", {1e6, 0.1, 1e6 + 1, 0.1, 1e6 + 2, 0.1}, 1 - 2.0 / 2},
  };
  const at::Tensor errors = Rows({1, 0, 0, 1, -1, 0}, 2);
  for (const Case& c : cases) {
    const at::Tensor targets = Rows(c.targets, 2);
    const Metrics metrics = ScoresOf(*TwoNumbers(), MetricSet::kFull, targets.add(errors), targets, 2)->Values();
    ASSERT_EQ(metrics.contains("r2"), !std::isnan(c.r2)) << c.what;
    if (std::isnan(c.r2)) continue;
    EXPECT_NEAR(metrics.at("r2"), c.r2, 1e-9) << c.what;
  }
}

TEST(RegressionScores, OfOneExampleHaveNoR2) {
  const Metrics metrics = ScoresOf(*TwoNumbers(), MetricSet::kFull, Rows({1, 2}, 2), Rows({0, 0}, 2))->Values();
  EXPECT_EQ(NamesOf(metrics), (std::vector<std::string>{"loss", "mae", "rmse"}));
}

TEST(RegressionScores, OfNonFiniteOutputsAreNotFinite) {
  for (const double broken : {kNan, std::numeric_limits<double>::infinity()}) {
    at::Tensor outputs = Outputs();
    outputs[1][0] = broken;
    const auto scores = ScoresOf(*TwoNumbers(), MetricSet::kFull, outputs, Targets());
    for (const auto& [name, value] : scores->Values()) EXPECT_FALSE(std::isfinite(value)) << name;
    ASSERT_EQ(scores->Reports().size(), 1U);
  }
}

TEST(RegressionScores, ReportTheQuantilesOfTheErrors) {
  const std::vector<ReportFile> reports = ScoresOf(*TwoNumbers(), MetricSet::kFull, Outputs(), Targets(), 2)->Reports();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].name, "residuals.csv");
  // Errors 2, 0, -2 and 0, 10, 0 in the file's units; of three, the quantile q lies at 2 q.
  EXPECT_EQ(reports[0].contents,
            "target,examples,mean,stddev,min,q01,q05,q25,median,q75,q95,q99,max\n"
            "0,3,0,1.63299,-2,-1.96,-1.8,-1,0,1,1.8,1.96,2\n"
            "1,3,3.33333,4.71405,0,0,0,0,0,5,9,9.8,10\n");
}

TEST(RegressionScores, ReportNamesTheTargets) {
  Normalization normalization = Standardised({0}, {1});
  normalization.classes = {"price, EUR"};
  const auto task = MakeTask({.options = {.task = TaskKind::kRegression, .loss = LossKind::kMse},
                              .shape = {.outputs = 1},
                              .normalization = normalization},
                             at::kCPU);
  const auto scores = ScoresOf(*task, MetricSet::kFull, Rows({3}, 1), Rows({1}, 1));
  EXPECT_EQ(scores->Reports().at(0).contents,
            "target,examples,mean,stddev,min,q01,q05,q25,median,q75,q95,q99,max\n"
            "\"price, EUR\",1,2,0,2,2,2,2,2,2,2,2,2\n");
}

TEST(RegressionScores, ReportNanOfATargetWithOne) {
  at::Tensor outputs = Outputs();
  outputs[1][0] = kNan;
  const std::vector<ReportFile> reports = ScoresOf(*TwoNumbers(), MetricSet::kFull, outputs, Targets())->Reports();
  EXPECT_EQ(reports[0].contents,
            "target,examples,mean,stddev,min,q01,q05,q25,median,q75,q95,q99,max\n"
            "0,3,nan,nan,nan,nan,nan,nan,nan,nan,nan,nan,nan\n"
            "1,3,3.33333,4.71405,0,0,0,0,0,5,9,9.8,10\n");
}

TEST(Regression, AnswersInTheUnitOfTheFile) {
  const at::Tensor answers = TwoNumbers()->Answers(Rows({1, -1, 0, 0.5}, 2));
  EXPECT_TRUE(answers.equal(Rows({12, 90, 10, 105}, 2)));
}

TEST(Regression, WingIsInTheUnitOfTheFile) {
  const auto task = MakeTask(
      {.options = {.task = TaskKind::kRegression, .loss = LossKind::kWing, .wing_width = 10, .wing_curvature = 2},
       .shape = {.outputs = 2},
       .normalization = Standardised({0, 0}, {1, 2})},
      at::kCPU);
  // Errors of 1 and, in units, 40: 10 ln(3/2), and half of 40 - 10 + 10 ln 6.
  const at::Tensor loss = task->TrainingLoss(Rows({1, -20}, 2), Rows({0, 0}, 2));
  EXPECT_NEAR(loss.item<double>(), (10 * std::log(1.5) + 15 + 5 * std::log(6)) / 2, 1e-5);
}

std::unique_ptr<Task> Reconstruction() {
  return MakeTask({.options = {.task = TaskKind::kReconstruction, .loss = LossKind::kMse}}, at::kCPU);
}

TEST(ReconstructionScores, AreThoseCountedByHand) {
  const at::Tensor inputs = Rows({0, 0, 2, 0}, 2).view({2, 1, 1, 2});
  const at::Tensor outputs = Rows({1, 0, 2, 0}, 2).view({2, 1, 1, 2});
  const auto task = Reconstruction();
  for (const int64_t batch : {1, 2}) {
    const auto scores = ScoresOf(*task, MetricSet::kFull, outputs, inputs, batch);
    // The second pixel does not vary; the first has a sum of squares of 2 around its mean.
    EXPECT_EQ(scores->Values(), (Metrics{{"loss", 0.25}, {"mae", 0.25}, {"r2", 0.5}})) << batch;
    EXPECT_TRUE(scores->Reports().empty());
  }
  EXPECT_EQ(ScoresOf(*task, MetricSet::kBasic, outputs, inputs)->Values(), (Metrics{{"loss", 0.25}}));
  EXPECT_EQ(ScoresOf(*task, MetricSet::kFull, inputs, at::zeros({2, 1, 1, 2}))->Values(),
            (Metrics{{"loss", 1}, {"mae", 0.5}}));
}

}  // namespace
}  // namespace athanor::training
