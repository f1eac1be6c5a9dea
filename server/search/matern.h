// The Matern 5/2 kernel over matrices of points. For the sources of the Gaussian process alone: includes Eigen.
#pragma once

#include <Eigen/Dense>
#include <span>

#include "server/search/gaussian_process.h"

namespace athanor::matern {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Points = Eigen::Map<const RowMajor>;

// exp(-log l) of each coordinate's parameter.
Eigen::ArrayXd InverseLengths(const GaussianProcessData& data, const KernelParameters& parameters);

// r^2 between each row of `a` and each of `b`, both already divided by the length scales; >= 0.
Eigen::MatrixXd SquaredDistances(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b);

// s^2 (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r), entry by entry.
Eigen::MatrixXd Covariances(const Eigen::MatrixXd& squared_distances, double signal);

// -2 times the derivative of the same by r^2: s^2 5/3 (1 + sqrt(5) r) exp(-sqrt(5) r). By log l_i the covariance grows
// at this, times the part of r^2 that parameter i makes up.
Eigen::MatrixXd Slopes(const Eigen::MatrixXd& squared_distances, double signal);

}  // namespace athanor::matern
