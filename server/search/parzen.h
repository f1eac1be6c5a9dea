// The density that a set of points stands for: a Parzen (kernel) estimate over several coordinates at once, as in tpe
// (Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", section 4; multivariate as in Falkner et al.
// 2018, BOHB, arXiv:1807.01774, section 3.2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "server/search/encoding.h"

namespace athanor {

struct WeightedPoint {
  Encoding::Point point;  // no NaN in the coordinates that are looked at
  double weight = 1;      // > 0
};

// A mixture over `coordinates` of an encoding: one kernel a point, and the uniform prior with weight 1. A kernel is a
// product over its coordinates:
//  * numbers: a normal distribution around the point, cut off at 0 and 1; of a grid, its integral over each cell. The
//    bandwidth is Silverman's, 1.06 * s * n^(-1 / (d + 4)), but at least kMinBandwidth, with n the sum of the weights,
//    d the number of coordinates, and s the spread of the points, in which the prior takes part with weight 1: s^2 =
//    (sum of w (x - mean)^2 + 1/12) / (n + 1).
//  * categories (Aitchison and Aitken 1976): the point's own has 1 - l, each of the c - 1 others l / (c - 1), where
//    l = (c - 1) / c * n^(-1 / (d + 4)) / 2.
//
// Densities are relative to the prior, so 1 everywhere without points. Immutable; thread-safe; owns what it looks at.
class ParzenEstimator {
 public:
  static constexpr double kMinBandwidth = 0.01;

  ParzenEstimator(const Encoding& encoding, std::vector<size_t> coordinates, std::span<const WeightedPoint> points);

  // The natural logarithm of the density at `point` relative to the prior's. Coordinates of a grid are centres of
  // cells. O(points * coordinates), with one exp a point.
  double LogDensity(const Encoding::Point& point) const;
  // Draws the coordinates of `point` that are NaN; the others stay what they are. Grids: centres of cells.
  void Sample(Random& random, Encoding::Point& point) const;

  // Of number `i` of the coordinates: the bandwidth; for categories l.
  double bandwidth(size_t i) const { return factors_[i].bandwidth; }
  // Of point `k`, its share in the mixture; the prior has the rest.
  double weight(size_t k) const { return weights_[k] / total_weight_; }

 private:
  // One coordinate of all kernels.
  struct Factor {
    size_t coordinate = 0;
    Encoding::Kind kind = Encoding::Kind::kContinuous;
    double bandwidth = 0;
    std::vector<double> centres;    // by point
    std::vector<double> log_peaks;  // numbers, by point: the logarithm of the density at the centre
    // Logarithms of relative densities, [value][row of the point]: of categories, and of the leading cells of a grid
    // that are wide compared with the bandwidth. In narrower ones the density at the centre is close enough.
    std::vector<std::vector<double>> by_value;
    std::vector<uint32_t> rows;  // by point
  };

  Factor MakeFactor(size_t coordinate, std::span<const WeightedPoint> points, double shrinkage);
  void TabulateCategories(Factor& factor) const;
  void TabulateWideCells(Factor& factor) const;
  void AddLogKernels(const Factor& factor, double x, std::vector<double>& log_kernels) const;
  double SampleKernel(Random& random, const Factor& factor, double centre) const;
  double SamplePrior(Random& random, const Factor& factor) const;

  const Encoding& encoding_;
  std::vector<double> weights_;      // by point
  double total_weight_ = 1;          // the prior's included
  std::vector<double> log_weights_;  // by point, of its share
  std::vector<Factor> factors_;
};

}  // namespace athanor
