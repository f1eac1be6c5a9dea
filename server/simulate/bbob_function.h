// The 24 noiseless functions of the Black-Box Optimization Benchmark (Hansen, Finck, Ros and Auger 2009, INRIA
// RR-6829), in any number of dimensions.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace athanor {

// A square matrix, row by row.
class SquareMatrix {
 public:
  explicit SquareMatrix(size_t size) : size_(size), entries_(size * size, 0.0) {}
  double& At(size_t row, size_t column) { return entries_[row * size_ + column]; }
  double At(size_t row, size_t column) const { return entries_[row * size_ + column]; }
  size_t size() const { return size_; }
  std::vector<double> Apply(const std::vector<double>& x) const;
  std::vector<double> ApplyTransposed(const std::vector<double>& x) const;

 private:
  size_t size_;
  std::vector<double> entries_;
};

// One function, shifted, rotated and lifted. The instance number seeds its optimum, both rotations, the value at the
// optimum (a Cauchy draw times 100, cut to [-1000, 1000], two decimals) and the peaks of f21 and f22: the distributions
// of the report, not its random numbers, so an instance is not one of the reference implementation's.
//
// Immutable; thread-safe.
class BbobFunction {
 public:
  static constexpr int kFunctions = 24;
  static constexpr double kBound = 5;  // the domain is [-kBound, kBound] in every dimension

  // INVALID_ARGUMENT unless 1 <= function <= 24 and 2 <= dimensions <= 1000.
  static absl::StatusOr<BbobFunction> Create(int function, int dimensions, uint64_t instance);

  int function() const { return function_; }
  int dimensions() const { return static_cast<int>(optimum_.size()); }
  // Where the least value lies; f5 has it on a corner of the domain.
  const std::vector<double>& optimum() const { return optimum_; }
  double optimal_value() const { return optimal_value_; }
  // `x` has one coordinate a dimension. O(dimensions^2), f21 with 101 peaks.
  double operator()(const std::vector<double>& x) const;

 private:
  struct Peak {
    double height;
    std::vector<double> centre;   // rotated
    std::vector<double> scaling;  // of the squared distance, by rotated coordinate
  };
  BbobFunction(int function, int dimensions, uint64_t instance);
  void PlaceOptimum(uint64_t instance);
  void PlacePeaks(uint64_t instance);

  // The value above optimal_value(), by shape of the function.
  double Separable(const std::vector<double>& x) const;         // f1 to f5
  double Conditioned(const std::vector<double>& x) const;       // f6 to f14
  double Multimodal(const std::vector<double>& x) const;        // f15 to f19
  double WeaklyStructured(const std::vector<double>& x) const;  // f20 to f24
  double Schwefel(const std::vector<double>& x) const;
  double Gallagher(const std::vector<double>& x) const;
  double Katsuura(const std::vector<double>& x) const;
  double Lunacek(const std::vector<double>& x) const;
  std::vector<double> Shifted(const std::vector<double>& x) const;
  // Rotation times x, scaled as the Rosenbrock functions want it.
  std::vector<double> Valley(const std::vector<double>& x) const;

  int function_;
  std::vector<double> optimum_;  // x^opt
  double optimal_value_ = 0;     // f_opt
  SquareMatrix r_;               // R
  SquareMatrix q_;               // Q
  std::vector<double> signs_;    // 1_-+
  std::vector<Peak> peaks_;      // f21, f22
};

}  // namespace athanor
