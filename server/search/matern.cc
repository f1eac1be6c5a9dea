#include "server/search/matern.h"

#include <cmath>

namespace athanor::matern {
namespace {

constexpr double kRootFive = 2.23606797749978969641;

}  // namespace

Eigen::ArrayXd InverseLengths(const GaussianProcessData& data, const KernelParameters& parameters) {
  Eigen::ArrayXd inverse(static_cast<Eigen::Index>(data.coordinates()));
  for (size_t i = 0; i < data.coordinates(); ++i) {
    inverse[static_cast<Eigen::Index>(i)] = std::exp(-parameters.log_length_scales[data.parameter_of[i]]);
  }
  return inverse;
}

Eigen::MatrixXd SquaredDistances(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  Eigen::MatrixXd squared = -2.0 * a * b.transpose();
  squared.colwise() += a.rowwise().squaredNorm();
  squared.rowwise() += b.rowwise().squaredNorm().transpose();
  return squared.cwiseMax(0.0);  // rounding may leave equal points a little less than 0 apart
}

Eigen::MatrixXd Covariances(const Eigen::MatrixXd& squared_distances, double signal) {
  const auto r = kRootFive * squared_distances.array().sqrt();
  return signal * (1.0 + r + 5.0 / 3.0 * squared_distances.array()) * (-r).exp();
}

Eigen::MatrixXd Slopes(const Eigen::MatrixXd& squared_distances, double signal) {
  const auto r = kRootFive * squared_distances.array().sqrt();
  return signal * 5.0 / 3.0 * (1.0 + r) * (-r).exp();
}

}  // namespace athanor::matern
