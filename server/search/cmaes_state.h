// The search distribution of CMA-ES (Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv:1604.00772) with
// margin (Hamano, Saito, Nomura and Shirakawa 2022, "CMA-ES with margin", arXiv:2205.13482).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "server/search/encoding.h"

namespace athanor {

// A point that was tried, and what it came to: oriented, +inf ranks last.
struct TriedPoint {
  Encoding::Point point;
  double value = 0;
};

// A normal distribution over the unit cube, moved and shaped by one generation of tried points after the other. Whoever
// drew the points, they count as drawn from the distribution as it is: each is pulled in to a plausible distance from
// the mean (Hansen 2011, "Injecting external solutions into CMA-ES", arXiv:1110.4181), so that points drawn before the
// last generations, or by a user, do no harm.
//
// In the papers' symbols: mean m, step size sigma, covariance C, evolution paths p_sigma and p_c, scales A (diagonal).
//
// Margin: of a grid coordinate the cells beside the mean's keep at least alpha = 1 / (d * population) of the
// distribution together, or, at an end of the grid, alpha beyond the first edge. Without it a distribution narrower
// than a cell would never leave it.
//
// Restarts from the middle with twice the population (IPOP, Auger and Hansen 2005) when all that is continuous has
// converged to kConverged of its range, or nothing got better for 10 + 30 d / population generations.
//
// A value: copyable; equal histories give equal states. Not thread-safe. Not for categories.
class CmaesState {
 public:
  static constexpr double kFirstStep = 0.25;  // of each parameter's range
  static constexpr double kConverged = 1e-6;

  // Starts around `start`. `encoding` must outlive it; at least one coordinate.
  CmaesState(const Encoding& encoding, Encoding::Point start);

  // Points to a generation, lambda: 4 + floor(3 ln d) until the first restart.
  size_t population() const { return population_; }
  // Takes in a generation of population() points. Ties rank by their order. O(d^3 + d^2 population).
  void Update(std::span<const TriedPoint> generation);
  // A point of the unit cube. Not yet on a grid. O(d^2).
  Encoding::Point Sample(Random& random) const;

  const std::vector<double>& mean() const { return mean_; }
  double step_size() const { return step_size_; }
  double covariance(size_t i, size_t j) const { return covariance_[i * mean_.size() + j]; }
  double scale(size_t i) const { return scales_[i]; }
  // The standard deviation of coordinate `i`.
  double Deviation(size_t i) const;

 private:
  // What a generation says: the weighted mean of its better half, in steps from the mean, and of their outer products.
  struct Selection;
  Selection Select(std::span<const TriedPoint> generation) const;
  void Move(const Selection& selection);
  void Restart(size_t population);
  bool IsStuck(double best_of_generation);
  void Decompose();
  void KeepMargin();
  void KeepMarginOf(size_t i, double alpha);

  const Encoding* encoding_;
  std::vector<double> start_;
  size_t population_ = 0;
  std::vector<double> weights_;  // of the better half
  std::vector<double> mean_;
  double step_size_ = kFirstStep;
  std::vector<double> covariance_;       // d x d
  std::vector<double> eigenvectors_;     // d x d, of the covariance; columns
  std::vector<double> eigenvalues_;      // their square roots
  std::vector<double> path_step_;        // p_sigma
  std::vector<double> path_covariance_;  // p_c
  std::vector<double> scales_;           // A
  int64_t generations_ = 0;              // since the restart
  int64_t last_better_ = 0;              // the generation that found best_
  double best_ = 0;
};

}  // namespace athanor
