#include "server/search/gaussian_process.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>

#include "server/search/matern.h"

namespace athanor {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// A share of the signal that the diagonal always gets, so that equal points leave the matrix positive definite.
constexpr double kJitter = 1e-10;
// The same for points that are believed: enough for believed points that almost coincide.
constexpr double kBelievedNoise = 1e-6;

Index AsIndex(size_t n) { return static_cast<Index>(n); }

// `points` divided by the length scales, [m, d].
MatrixXd Scaled(std::span<const double> points, const Eigen::ArrayXd& inverse_lengths) {
  const Index d = inverse_lengths.size();
  const matern::Points map(points.data(), d == 0 ? 0 : AsIndex(points.size()) / d, d);
  return map.array().rowwise() * inverse_lengths.transpose();
}

}  // namespace

struct GaussianProcess::Posterior {
  // The last `believed` rows are free of noise.
  Posterior(GaussianProcessData learned, KernelParameters with, size_t believed)
      : data(std::move(learned)),
        parameters(std::move(with)),
        believed(believed),
        signal(std::exp(parameters.log_signal)),
        inverse_lengths(matern::InverseLengths(data, parameters)),
        scaled(Scaled(data.points, inverse_lengths)) {
    MatrixXd covariance = matern::Covariances(matern::SquaredDistances(scaled, scaled), signal);
    covariance.array() += kMeanVariance;
    const Eigen::Map<const VectorXd> extra(data.extra_noise.data(), AsIndex(data.size()));
    noise = extra.array() + std::exp(parameters.log_noise) + kJitter * signal;
    noise.tail(AsIndex(believed)).setConstant(kBelievedNoise * signal);
    covariance.diagonal() += noise;
    factor.compute(covariance);
    for (double more = 1e-8 * signal; factor.info() != Eigen::Success; more *= 10) {
      noise.array() += more;
      covariance.diagonal().array() += more;
      factor.compute(covariance);
    }
    weights = factor.solve(Eigen::Map<const VectorXd>(data.values.data(), AsIndex(data.size())));
  }

  GaussianProcessData data;
  KernelParameters parameters;
  size_t believed;
  double signal;
  Eigen::ArrayXd inverse_lengths;
  MatrixXd scaled;              // [n, d]: the points over the length scales
  VectorXd noise;               // what the diagonal holds above the kernel
  Eigen::LLT<MatrixXd> factor;  // of the kernel matrix with noise: L
  VectorXd weights;             // alpha = K^-1 y
};

GaussianProcess::GaussianProcess(GaussianProcessData data, KernelParameters parameters)
    : posterior_(std::make_unique<const Posterior>(std::move(data), std::move(parameters), 0)) {}
GaussianProcess::GaussianProcess(std::unique_ptr<const Posterior> posterior) : posterior_(std::move(posterior)) {}
GaussianProcess::GaussianProcess(GaussianProcess&&) noexcept = default;
GaussianProcess& GaussianProcess::operator=(GaussianProcess&&) noexcept = default;
GaussianProcess::~GaussianProcess() = default;

std::vector<Prediction> GaussianProcess::Predict(std::span<const double> points) const {
  const Posterior& p = *posterior_;
  const MatrixXd at = Scaled(points, p.inverse_lengths);
  MatrixXd cross = matern::Covariances(matern::SquaredDistances(p.scaled, at), p.signal);  // [n, m]
  cross.array() += kMeanVariance;
  const VectorXd means = cross.transpose() * p.weights;
  p.factor.matrixL().solveInPlace(cross);
  const VectorXd explained = cross.colwise().squaredNorm().transpose();
  std::vector<Prediction> predictions(static_cast<size_t>(at.rows()));
  for (Index j = 0; j < at.rows(); ++j) {
    predictions[static_cast<size_t>(j)] = {
        .mean = means[j], .variance = std::max(p.signal + kMeanVariance - explained[j], kJitter * p.signal)};
  }
  return predictions;
}

PredictionWithGradient GaussianProcess::PredictWithGradient(std::span<const double> point) const {
  const Posterior& p = *posterior_;
  const MatrixXd at = Scaled(point, p.inverse_lengths);
  const MatrixXd squared = matern::SquaredDistances(p.scaled, at);  // [n, 1]
  const VectorXd cross = matern::Covariances(squared, p.signal).array() + kMeanVariance;
  const VectorXd solved = p.factor.solve(cross);  // K^-1 k
  PredictionWithGradient prediction;
  prediction.mean = cross.dot(p.weights);
  prediction.variance = std::max(p.signal + kMeanVariance - cross.dot(solved), kJitter * p.signal);
  // dk_j / dx_i = slope_j (x_ji - x_i) / l_i^2.
  const VectorXd slopes = matern::Slopes(squared, p.signal);
  const auto gradient = [&](const VectorXd& weights) {
    const VectorXd weighted = slopes.cwiseProduct(weights);
    const Eigen::ArrayXd towards =
        (p.scaled.transpose() * weighted).array() - weighted.sum() * at.row(0).transpose().array();
    const Eigen::ArrayXd result = towards * p.inverse_lengths;
    return std::vector<double>(result.begin(), result.end());
  };
  prediction.mean_gradient = gradient(p.weights);
  prediction.variance_gradient = gradient(-2.0 * solved);
  return prediction;
}

std::vector<double> GaussianProcess::FittedMeans() const {
  const Posterior& p = *posterior_;
  // (K - noise) alpha, where K alpha = y.
  const Eigen::Map<const VectorXd> y(p.data.values.data(), AsIndex(p.data.size()));
  const VectorXd means = y - p.noise.cwiseProduct(p.weights);
  return {means.begin(), means.end()};
}

std::vector<Prediction> GaussianProcess::LeaveOneOut() const {
  const Posterior& p = *posterior_;
  const Index n = AsIndex(p.data.size());
  const VectorXd precisions = p.factor.solve(MatrixXd::Identity(n, n)).diagonal();
  std::vector<Prediction> predictions;
  for (Index i = 0; i < n; ++i) {
    const double variance = 1 / precisions[i];
    predictions.push_back(
        {.mean = p.data.values[static_cast<size_t>(i)] - p.weights[i] * variance, .variance = variance});
  }
  return predictions;
}

GaussianProcess GaussianProcess::Believing(std::span<const double> points) const {
  GaussianProcessData data = posterior_->data;
  for (const Prediction& expected : Predict(points)) {
    data.values.push_back(expected.mean);
    data.extra_noise.push_back(0);
  }
  data.points.insert(data.points.end(), points.begin(), points.end());
  const size_t believed = posterior_->believed + data.size() - posterior_->data.size();
  return GaussianProcess(std::make_unique<const Posterior>(std::move(data), posterior_->parameters, believed));
}

}  // namespace athanor
