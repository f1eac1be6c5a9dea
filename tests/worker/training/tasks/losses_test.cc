#include "worker/training/tasks/losses.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "worker/training/tasks/distillation.h"

namespace athanor::training {
namespace {

const double kLn2 = std::log(2.0);
const double kLn3 = std::log(3.0);

at::Tensor Rows(const std::vector<double>& values, int64_t columns) {
  return at::tensor(values, at::kDouble).view({-1, columns});
}
at::Tensor Labels(const std::vector<int64_t>& labels) { return at::tensor(labels, at::kLong); }
at::Tensor Weights(const std::vector<double>& weights) { return at::tensor(weights, at::kDouble); }

struct LossCase {
  std::string name;
  std::function<at::Tensor(const at::Tensor&)> loss;  // of the outputs
  at::Tensor outputs;
  double expected;
};

// softmax(0, ln 2, 0) = (1/4, 1/2, 1/4)
std::vector<LossCase> ClassLosses() {
  const at::Tensor one = Rows({0, kLn2, 0}, 3);
  const at::Tensor two = Rows({0, kLn2, 0, 0, kLn2, 0}, 3);
  const at::Tensor weights = Weights({1, 2, 4});
  const auto cross_entropy = [](std::vector<int64_t> labels, double smoothing, at::Tensor class_weights = {}) {
    return [=](const at::Tensor& x) { return CrossEntropy(x, Labels(labels), smoothing, class_weights); };
  };
  const auto focal = [](std::vector<int64_t> labels, double gamma, at::Tensor class_weights = {}) {
    return [=](const at::Tensor& x) { return Focal(x, Labels(labels), gamma, class_weights); };
  };
  const auto least_squares = [](std::vector<int64_t> labels, at::Tensor class_weights = {}) {
    return [=](const at::Tensor& x) { return LeastSquares(x, Labels(labels), class_weights); };
  };
  return {
      {"cross-entropy", cross_entropy({1, 0}, 0), two, 1.5 * kLn2},
      {"smoothed", cross_entropy({1}, 0.3), one, 0.8 * kLn2 + 0.1 * 4 * kLn2},
      {"weighted, divided by 2, not by 3", cross_entropy({1, 0}, 0, weights), two, 2 * kLn2},
      {"weighted and smoothed", cross_entropy({1}, 0.3, weights), one, 0.1 * 2 * kLn2 + 1.6 * kLn2 + 0.4 * 2 * kLn2},
      {"focal without focus", focal({1, 0}, 0), two, 1.5 * kLn2},
      {"focal", focal({1, 0}, 2), two, (0.25 * kLn2 + 9.0 / 16 * 2 * kLn2) / 2},
      {"focal, half a power", focal({1}, 0.5), one, std::sqrt(0.5) * kLn2},
      {"weighted focal", focal({1, 0}, 2, weights), two, (2 * 0.25 * kLn2 + 9.0 / 16 * 2 * kLn2) / 2},
      {"least squares", least_squares({0, 1}), Rows({1, 0.5, 0, 1, 0.5, 0}, 3), (1.0 / 12 + 5.0 / 12) / 2},
      {"weighted least squares", least_squares({0, 1}, weights), Rows({1, 0.5, 0, 1, 0.5, 0}, 3), (1 + 2 * 5) / 24.0},
  };
}

// sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4
std::vector<LossCase> LabelLosses() {
  const at::Tensor targets = Rows({1, 0}, 2);
  const at::Tensor outputs = Rows({0, kLn3}, 2);
  const auto focal = [targets](double gamma) {
    return [=](const at::Tensor& x) { return BinaryFocal(x, targets, gamma); };
  };
  return {
      {"binary cross-entropy", [=](const at::Tensor& x) { return BinaryCrossEntropy(x, targets); }, outputs,
       1.5 * kLn2},
      {"binary focal without focus", focal(0), outputs, 1.5 * kLn2},
      {"binary focal", focal(2), outputs, (0.25 * kLn2 + 9.0 / 16 * 2 * kLn2) / 2},
      {"binary focal, half a power", focal(0.5), outputs, (std::sqrt(0.5) * kLn2 + std::sqrt(0.75) * 2 * kLn2) / 2},
  };
}

std::vector<LossCase> NumberLosses() {
  const at::Tensor targets = Rows({1, -1}, 2);
  const at::Tensor outputs = Rows({2, -3}, 2);  // errors 1 and -2
  const at::Tensor far = Rows({2, -21}, 2);     // errors 1 and -20
  const auto number_loss = [targets](TaskOptions options, at::Tensor unit = {}) {
    options.task = TaskKind::kRegression;
    return [=](const at::Tensor& x) { return NumberLoss(options, x, targets, unit); };
  };
  const TaskOptions wing = {.loss = LossKind::kWing, .wing_width = 10, .wing_curvature = 2};
  return {
      {"mse", number_loss({.loss = LossKind::kMse}), outputs, 2.5},
      {"l1", number_loss({.loss = LossKind::kL1}), outputs, 1.5},
      {"smooth l1, both lines", number_loss({.loss = LossKind::kSmoothL1, .smooth_l1_beta = 0.5}), outputs, 1.25},
      {"smooth l1, a square and a line", number_loss({.loss = LossKind::kSmoothL1, .smooth_l1_beta = 1.5}), outputs,
       (1 / 3.0 + 1.25) / 2},
      // 10 ln(3/2) and 20 - 10 + 10 ln 6
      {"wing", number_loss(wing), far, 5 + 5 * std::log(9)},
      // Errors of 2 and 40 units: half of 10 ln 2 and of 40 - 10 + 10 ln 6.
      {"wing in another unit", number_loss(wing, Weights({2, 2})), far, 7.5 + 2.5 * std::log(12)},
      // Errors of 1 and 40 units.
      {"wing in two units", number_loss(wing, Weights({1, 2})), far, (10 * std::log(1.5) + 15 + 5 * std::log(6)) / 2},
  };
}

std::vector<LossCase> AllLosses() {
  std::vector<LossCase> cases = ClassLosses();
  for (const LossCase& c : LabelLosses()) cases.push_back(c);
  for (const LossCase& c : NumberLosses()) cases.push_back(c);
  return cases;
}

TEST(Losses, MatchHandComputedValues) {
  for (const LossCase& c : AllLosses()) {
    const at::Tensor loss = c.loss(c.outputs);
    EXPECT_EQ(loss.dim(), 0) << c.name;
    EXPECT_NEAR(loss.item<double>(), c.expected, 1e-12) << c.name;
  }
}

TEST(Losses, GradientsMatchFiniteDifferences) {
  constexpr double kStep = 1e-6;
  for (const LossCase& c : AllLosses()) {
    const at::Tensor outputs = c.outputs.clone().set_requires_grad(true);
    c.loss(outputs).backward();
    for (int64_t i = 0; i < outputs.numel(); ++i) {
      at::Tensor above = c.outputs.clone(), below = c.outputs.clone();
      above.view(-1)[i] += kStep;
      below.view(-1)[i] -= kStep;
      const double slope = (c.loss(above).item<double>() - c.loss(below).item<double>()) / (2 * kStep);
      EXPECT_NEAR(outputs.grad().view(-1)[i].item<double>(), slope, 1e-8) << c.name << " " << i;
    }
  }
}

TEST(Losses, NonFiniteOutputsGiveNonFiniteLosses) {
  for (const LossCase& c : AllLosses()) {
    for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      const at::Tensor outputs = at::full(c.outputs.sizes(), value, at::kDouble);
      EXPECT_FALSE(std::isfinite(c.loss(outputs).item<double>())) << c.name << " " << value;
    }
  }
}

TEST(Losses, OfTheSurestOutputsAndTheirGradientsAreFinite) {
  struct Case {
    std::string name;
    std::function<at::Tensor(const at::Tensor&)> loss;
    double expected;  // of outputs 10,000 and -10,000
  };
  const std::vector<Case> cases = {
      {"right class", [](const at::Tensor& x) { return CrossEntropy(x, Labels({0}), 0); }, 0},
      {"wrong class", [](const at::Tensor& x) { return CrossEntropy(x, Labels({1}), 0); }, 20000},
      {"right class, focal", [](const at::Tensor& x) { return Focal(x, Labels({0}), 0.5); }, 0},
      {"wrong class, focal", [](const at::Tensor& x) { return Focal(x, Labels({1}), 0.5); }, 20000},
      {"right labels",
       [](const at::Tensor& x) {
         return BinaryCrossEntropy(x, Rows({1, 0}, 2).to(at::kFloat));
       },
       0},
      {"wrong labels",
       [](const at::Tensor& x) {
         return BinaryCrossEntropy(x, Rows({0, 1}, 2).to(at::kFloat));
       },
       10000},
      {"right labels, focal",
       [](const at::Tensor& x) {
         return BinaryFocal(x, Rows({1, 0}, 2).to(at::kFloat), 0.5);
       },
       0},
      {"wrong labels, focal",
       [](const at::Tensor& x) {
         return BinaryFocal(x, Rows({0, 1}, 2).to(at::kFloat), 0.5);
       },
       10000},
  };
  for (const Case& c : cases) {
    const at::Tensor outputs = at::tensor({1e4, -1e4}, at::kFloat).view({1, 2}).set_requires_grad(true);
    const at::Tensor loss = c.loss(outputs);
    loss.backward();
    EXPECT_EQ(loss.item<double>(), c.expected) << c.name;
    EXPECT_TRUE(outputs.grad().isfinite().all().item<bool>()) << c.name;
  }
}

TEST(Losses, OfARightAnswerAndItsGradientVanish) {
  const at::Tensor targets = Rows({1, -1}, 2);
  for (const LossKind kind : {LossKind::kMse, LossKind::kL1, LossKind::kSmoothL1, LossKind::kWing}) {
    const at::Tensor outputs = targets.clone().set_requires_grad(true);
    const at::Tensor loss = NumberLoss({.task = TaskKind::kRegression, .loss = kind}, outputs, targets);
    loss.backward();
    EXPECT_EQ(loss.item<double>(), 0);
    EXPECT_TRUE(outputs.grad().eq(0).all().item<bool>());
  }
}

// With T = 2 the student says (1/4, 3/4) and the teacher (3/4, 1/4): the divergence is ln(3) / 2.
TEST(Distillation, MatchesHandComputedValueAndGradient) {
  const DistillationOptions options = {.temperature = 2, .weight = 0.25};
  const at::Tensor student = Rows({0, 2 * kLn3, 0, 2 * kLn3}, 2).set_requires_grad(true);
  const at::Tensor teacher = Rows({2 * kLn3, 0, 0, 2 * kLn3}, 2).set_requires_grad(true);  // the second agrees
  const at::Tensor loss = DistillationLoss(options, student, teacher, at::tensor({8.0}, at::kDouble).squeeze());
  EXPECT_NEAR(loss.item<double>(), 0.75 * 8 + 0.25 * 4 * (kLn3 / 2) / 2, 1e-12);
  loss.backward();
  // weight * T / B times the difference of the softened probabilities
  const std::vector<double> expected = {0.25 * 2 / 2 * (0.25 - 0.75), 0.25 * 2 / 2 * (0.75 - 0.25), 0, 0};
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(student.grad().view(-1)[i].item<double>(), expected[static_cast<size_t>(i)], 1e-12) << i;
  }
  EXPECT_FALSE(teacher.grad().defined());
}

TEST(Distillation, WeightDividesTheLossBetweenLabelsAndTeacher) {
  const at::Tensor label_loss = at::tensor({8.0}, at::kDouble).squeeze();
  const at::Tensor student = Rows({0, kLn3}, 2);
  const at::Tensor teacher = Rows({kLn3, 0}, 2);
  const auto at_weight = [&](double weight) {
    return DistillationLoss({.temperature = 1, .weight = weight}, student, teacher, label_loss).item<double>();
  };
  EXPECT_NEAR(at_weight(0), 8, 1e-12);
  EXPECT_NEAR(at_weight(1), kLn3 / 2, 1e-12);
}

TEST(Distillation, IsFiniteOfASureTeacher) {
  const at::Tensor student = at::tensor({0.0, 0.0}, at::kFloat).view({1, 2}).set_requires_grad(true);
  const at::Tensor teacher = at::tensor({1e4, -1e4}, at::kFloat).view({1, 2});
  const at::Tensor loss =
      DistillationLoss({.temperature = 1, .weight = 1}, student, teacher, at::tensor({0.0}, at::kFloat).squeeze());
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), kLn2, 1e-6);
  EXPECT_TRUE(student.grad().isfinite().all().item<bool>());
}

}  // namespace
}  // namespace athanor::training
