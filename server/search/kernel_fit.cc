// The kernel parameters of a Gaussian process: the likelihood, its gradient, and where it is greatest under the prior.
#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "server/search/box_minimizer.h"
#include "server/search/gaussian_process.h"
#include "server/search/matern.h"

namespace athanor {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// log N(x; mean, deviation^2) up to a constant.
struct LogNormalPrior {
  double mean;
  double deviation;
  double LogDensity(double x) const { return -0.5 * (x - mean) * (x - mean) / (deviation * deviation); }
  double Slope(double x) const { return -(x - mean) / (deviation * deviation); }
};

LogNormalPrior LengthPrior(size_t parameters) {
  return {.mean = std::log(static_cast<double>(parameters)) / 2, .deviation = 1};
}
constexpr LogNormalPrior kSignalPrior = {.mean = 0, .deviation = 1};
constexpr LogNormalPrior kNoisePrior = {.mean = -8, .deviation = 2};

// Where the optimiser may look. The noise stays above what factorising 300 close points needs.
constexpr double kShortest = -4.6, kLongest = 6.9;   // log of 0.01, 1000
constexpr double kWeakest = -4.6, kStrongest = 4.6;  // log of s^2
constexpr double kQuietest = -13.8, kLoudest = 0.7;  // log of sigma^2: 1e-6, 2

}  // namespace

std::vector<double> KernelParameters::Flatten() const {
  std::vector<double> flat = log_length_scales;
  flat.push_back(log_signal);
  flat.push_back(log_noise);
  return flat;
}

KernelParameters KernelParameters::Unflatten(std::span<const double> flat) {
  KernelParameters parameters;
  parameters.log_length_scales.assign(flat.begin(), flat.end() - 2);
  parameters.log_signal = flat[flat.size() - 2];
  parameters.log_noise = flat[flat.size() - 1];
  return parameters;
}

LogLikelihood LogMarginalLikelihood(const GaussianProcessData& data, const KernelParameters& parameters) {
  const auto n = static_cast<Index>(data.size());
  const auto d = static_cast<Index>(data.coordinates());
  const double signal = std::exp(parameters.log_signal), noise = std::exp(parameters.log_noise);
  LogLikelihood result = {.value = -std::numeric_limits<double>::infinity(),
                          .gradient = std::vector<double>(data.parameters + 2)};

  const Eigen::ArrayXd inverse = matern::InverseLengths(data, parameters);
  const MatrixXd x = matern::Points(data.points.data(), n, d).array().rowwise() * inverse.transpose();
  const MatrixXd squared = matern::SquaredDistances(x, x);
  const MatrixXd covariance = matern::Covariances(squared, signal);
  MatrixXd total = covariance.array() + GaussianProcess::kMeanVariance;
  total.diagonal() += Eigen::Map<const VectorXd>(data.extra_noise.data(), n);
  total.diagonal().array() += noise;
  const Eigen::LLT<MatrixXd> factor(total);
  if (factor.info() != Eigen::Success) return result;

  const Eigen::Map<const VectorXd> y(data.values.data(), n);
  const VectorXd weights = factor.solve(y);
  result.value = -0.5 * y.dot(weights) - factor.matrixLLT().diagonal().array().log().sum() -
                 0.5 * static_cast<double>(n) * std::log(2 * std::numbers::pi);

  // Half of alpha alpha^T - K^-1: each derivative is the sum of its product with dK, entry by entry.
  MatrixXd half = -0.5 * factor.solve(MatrixXd::Identity(n, n));
  half.noalias() += 0.5 * weights * weights.transpose();
  result.gradient[data.parameters] = half.cwiseProduct(covariance).sum();
  result.gradient[data.parameters + 1] = half.trace() * noise;
  // sum over jk of W_jk (x_ji - x_ki)^2 = 2 sum over j of x_ji^2 (W 1)_j - 2 x_i^T W x_i.
  const MatrixXd weighted = half.cwiseProduct(matern::Slopes(squared, signal));
  const VectorXd sums = weighted.rowwise().sum();
  const MatrixXd products = weighted * x;
  for (Index i = 0; i < d; ++i) {
    const double along = 2 * (x.col(i).cwiseAbs2().dot(sums) - x.col(i).dot(products.col(i)));
    result.gradient[data.parameter_of[static_cast<size_t>(i)]] += along;
  }
  return result;
}

KernelParameters FitKernel(const GaussianProcessData& data, int max_evaluations) {
  const LogNormalPrior length_prior = LengthPrior(data.parameters);
  std::vector<LogNormalPrior> priors(data.parameters, length_prior);
  priors.push_back(kSignalPrior);
  priors.push_back(kNoisePrior);
  std::vector<double> lower(data.parameters, kShortest), upper(data.parameters, kLongest);
  lower.insert(lower.end(), {kWeakest, kQuietest});
  upper.insert(upper.end(), {kStrongest, kLoudest});

  const auto negative_log_posterior = [&](std::span<const double> flat, std::span<double> gradient) {
    const LogLikelihood likelihood = LogMarginalLikelihood(data, KernelParameters::Unflatten(flat));
    double value = -likelihood.value;
    for (size_t i = 0; i < flat.size(); ++i) {
      value -= priors[i].LogDensity(flat[i]);
      gradient[i] = -likelihood.gradient[i] - priors[i].Slope(flat[i]);
    }
    return value;
  };
  // Scales of the order of the data, so that a few steps lead to the optimum.
  KernelParameters start;
  start.log_length_scales.assign(data.parameters, std::log(static_cast<double>(data.parameters)) / 2);
  return KernelParameters::Unflatten(
      MinimizeInBox(negative_log_posterior, start.Flatten(), {.lower = lower, .upper = upper}, max_evaluations).x);
}

}  // namespace athanor
