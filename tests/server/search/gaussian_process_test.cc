#include "server/search/gaussian_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace athanor {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// With c^2 = 1 and log_signal = log s^2 etc.
KernelParameters Kernel(std::vector<double> lengths, double signal, double noise) {
  KernelParameters parameters;
  for (const double length : lengths) parameters.log_length_scales.push_back(std::log(length));
  parameters.log_signal = std::log(signal);
  parameters.log_noise = std::log(noise);
  return parameters;
}

GaussianProcessData Line(std::vector<double> points, std::vector<double> values) {
  GaussianProcessData data = {.parameter_of = {0}, .parameters = 1};
  data.extra_noise.assign(values.size(), 0.0);
  data.points = std::move(points);
  data.values = std::move(values);
  return data;
}

// `size` points of two parameters, the second with two coordinates, and a wavy function of them with noise.
GaussianProcessData Scattered(size_t size, uint64_t seed) {
  GaussianProcessData data = {.parameter_of = {0, 1, 1}, .parameters = 2};
  Random random(seed);
  for (size_t i = 0; i < size; ++i) {
    double value = 0;
    for (int c = 0; c < 3; ++c) {
      data.points.push_back(random.Uniform());
      value += std::sin(3 * data.points.back() * (c + 1));
    }
    data.values.push_back(value - 1 + 0.1 * random.Normal());
    data.extra_noise.push_back(i % 3 == 0 ? 0.2 : 0.0);
  }
  return data;
}

// One point at 0 with value 1; s^2 = 1, l = 1, sigma^2 = 0.25, so K = 2.25 and k(0, 0) = 2.
TEST(GaussianProcessTest, OnePointGivesThePosteriorWorkedOutByHand) {
  const GaussianProcess model(Line({0}, {1}), Kernel({1}, 1, 0.25));
  const std::vector<Prediction> at = model.Predict(std::vector<double>{0, 1, 1e3});
  EXPECT_NEAR(at[0].mean, 2 / 2.25, 1e-9);
  EXPECT_NEAR(at[0].variance, 2 - 4 / 2.25, 1e-9);
  EXPECT_NEAR(at[1].mean, 0.6773307150363646, 1e-9);  // k(0, 1) = 1.5239941088318203
  EXPECT_NEAR(at[1].variance, 0.967751980553736, 1e-9);
  EXPECT_NEAR(at[2].mean, 1 / 2.25, 1e-9);  // far away only the mean is known
  EXPECT_NEAR(at[2].variance, 2 - 1 / 2.25, 1e-9);
  EXPECT_THAT(model.FittedMeans(), ElementsAre(DoubleNear(2 / 2.25, 1e-9)));
}

// 0 and 2 with l = 2, s^2 = 4, sigma^2 = 0.5, the second 0.25 noisier: K = {5.5, b; b, 5.75}, b = 4 * 0.52399 + 1.
TEST(GaussianProcessTest, TwoPointsOfDifferentNoiseGiveThePosteriorWorkedOutByHand) {
  GaussianProcessData data = Line({0, 2}, {1, -1});
  data.extra_noise = {0, 0.25};
  const GaussianProcess model(data, Kernel({2}, 4, 0.5));
  const std::vector<Prediction> at = model.Predict(std::vector<double>{1});
  EXPECT_NEAR(at[0].mean, 0.04894067933654443, 1e-8);
  EXPECT_NEAR(at[0].variance, 0.7277854945196776, 1e-8);
  EXPECT_THAT(model.FittedMeans(),
              ElementsAre(DoubleNear(0.799319315653726, 1e-8), DoubleNear(-0.7074862600622391, 1e-8)));
}

TEST(GaussianProcessTest, LikelihoodIsTheOneWorkedOutByHand) {
  EXPECT_NEAR(LogMarginalLikelihood(Line({0}, {1}), Kernel({1}, 1, 0.25)).value, -1.5466258635350592, 1e-9);
  GaussianProcessData two = Line({0, 2}, {1, -1});
  two.extra_noise = {0, 0.25};
  EXPECT_NEAR(LogMarginalLikelihood(two, Kernel({2}, 4, 0.5)).value, -3.779994812833497, 1e-9);
}

TEST(GaussianProcessTest, GradientOfTheLikelihoodIsThatOfFiniteDifferences) {
  const GaussianProcessData data = Scattered(25, 1);
  const std::vector<double> flat = Kernel({0.4, 1.3}, 1.7, 0.03).Flatten();
  const LogLikelihood at = LogMarginalLikelihood(data, KernelParameters::Unflatten(flat));
  ASSERT_EQ(at.gradient.size(), 4u);
  for (size_t i = 0; i < flat.size(); ++i) {
    std::vector<double> more = flat, less = flat;
    more[i] += 1e-5;
    less[i] -= 1e-5;
    const double difference = LogMarginalLikelihood(data, KernelParameters::Unflatten(more)).value -
                              LogMarginalLikelihood(data, KernelParameters::Unflatten(less)).value;
    EXPECT_NEAR(at.gradient[i], difference / 2e-5, 1e-4 * std::abs(at.gradient[i]) + 1e-5) << i;
  }
}

TEST(GaussianProcessTest, GradientsOfAPredictionAreThoseOfFiniteDifferences) {
  const GaussianProcess model(Scattered(25, 2), Kernel({0.4, 0.9}, 1.5, 0.01));
  const std::vector<double> point = {0.3, 0.62, 0.17};
  const PredictionWithGradient at = model.PredictWithGradient(point);
  EXPECT_NEAR(at.mean, model.Predict(point)[0].mean, 1e-12);
  EXPECT_NEAR(at.variance, model.Predict(point)[0].variance, 1e-12);
  for (size_t i = 0; i < 3; ++i) {
    std::vector<double> more = point, less = point;
    more[i] += 1e-5;
    less[i] -= 1e-5;
    const Prediction above = model.Predict(more)[0], below = model.Predict(less)[0];
    EXPECT_NEAR(at.mean_gradient[i], (above.mean - below.mean) / 2e-5, 1e-5) << i;
    EXPECT_NEAR(at.variance_gradient[i], (above.variance - below.variance) / 2e-5, 1e-5) << i;
  }
}

// Against models that really learned from the others alone.
TEST(GaussianProcessTest, LeaveOneOutExpectsWhatAModelWithoutThatPointExpectsToObserve) {
  const std::vector<double> points = {0.1, 0.35, 0.5, 0.9}, values = {1, -0.5, 0.2, -1};
  const double noise = 0.01;
  const std::vector<Prediction> seen = GaussianProcess(Line(points, values), Kernel({0.4}, 1.5, noise)).LeaveOneOut();
  ASSERT_EQ(seen.size(), points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    std::vector<double> other_points = points, other_values = values;
    other_points.erase(other_points.begin() + static_cast<std::ptrdiff_t>(i));
    other_values.erase(other_values.begin() + static_cast<std::ptrdiff_t>(i));
    const GaussianProcess without(Line(other_points, other_values), Kernel({0.4}, 1.5, noise));
    const Prediction expected = without.Predict(std::vector<double>{points[i]})[0];
    EXPECT_NEAR(seen[i].mean, expected.mean, 1e-8) << i;
    EXPECT_NEAR(seen[i].variance, expected.variance + noise, 1e-8) << i;
  }
}

TEST(GaussianProcessTest, BelievingKeepsMeansAndShrinksVariances) {
  const GaussianProcess model(Line({0.1, 0.9}, {1, -1}), Kernel({0.3}, 1, 1e-4));
  const std::vector<double> pending = {0.5}, asked = {0.3, 0.5, 0.7};
  const GaussianProcess believing = model.Believing(pending);
  const std::vector<Prediction> before = model.Predict(asked), after = believing.Predict(asked);
  for (size_t i = 0; i < asked.size(); ++i) {
    EXPECT_NEAR(after[i].mean, before[i].mean, 1e-9);
    EXPECT_LT(after[i].variance, before[i].variance);
  }
  EXPECT_LT(after[1].variance, 1e-3);
  EXPECT_EQ(believing.FittedMeans().size(), 3u);
}

TEST(GaussianProcessTest, EqualPointsOfUnequalValuesLeaveAModelThatAveragesThem) {
  KernelParameters kernel = Kernel({0.5}, 1, 1e-6);
  const GaussianProcess model(Line({0.5, 0.5, 0.5}, {0, 1, 2}), kernel);
  EXPECT_NEAR(model.Predict(std::vector<double>{0.5})[0].mean, 1, 1e-3);
}

TEST(GaussianProcessTest, FitRaisesThePosteriorDensityAndFindsTheIrrelevantParameter) {
  GaussianProcessData data = {.parameter_of = {0, 1}, .parameters = 2};
  Random random(3);
  for (int i = 0; i < 40; ++i) {
    const double x = random.Uniform();
    data.points.insert(data.points.end(), {x, random.Uniform()});
    data.values.push_back(std::sin(9 * x));
    data.extra_noise.push_back(0);
  }
  const KernelParameters fitted = FitKernel(data, 40);
  KernelParameters start;
  start.log_length_scales.assign(2, std::log(2.0) / 2);
  EXPECT_GT(LogMarginalLikelihood(data, fitted).value, LogMarginalLikelihood(data, start).value + 10);
  EXPECT_GT(fitted.log_length_scales[1], fitted.log_length_scales[0] + 2);
  EXPECT_LT(fitted.log_noise, -8);
}

TEST(GaussianProcessTest, FitOfPureNoiseFindsNoise) {
  GaussianProcessData data = {.parameter_of = {0}, .parameters = 1};
  Random random(4);
  for (int i = 0; i < 80; ++i) {
    data.points.push_back(random.Uniform());
    data.values.push_back(random.Normal());
    data.extra_noise.push_back(0);
  }
  EXPECT_GT(FitKernel(data, 40).log_noise, std::log(0.5));
}

}  // namespace
}  // namespace athanor
