#include "server/simulate/bbob_transforms.h"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace athanor {

double Fraction(size_t index, size_t size) { return static_cast<double>(index) / static_cast<double>(size - 1); }

double Oscillate(double x) {
  if (x == 0) return 0;
  const double magnitude = std::log(std::abs(x));
  const double c1 = x > 0 ? 10 : 5.5;
  const double c2 = x > 0 ? 7.9 : 3.1;
  return std::copysign(std::exp(magnitude + 0.049 * (std::sin(c1 * magnitude) + std::sin(c2 * magnitude))), x);
}

std::vector<double> Oscillated(std::vector<double> x) {
  for (double& value : x) value = Oscillate(value);
  return x;
}

std::vector<double> Skewed(std::vector<double> x, double beta) {
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > 0) x[i] = std::pow(x[i], 1 + beta * Fraction(i, x.size()) * std::sqrt(x[i]));
  }
  return x;
}

std::vector<double> Stretched(std::vector<double> x, double alpha) {
  for (size_t i = 0; i < x.size(); ++i) x[i] *= std::pow(alpha, Fraction(i, x.size()) / 2);
  return x;
}

double BoundaryPenalty(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) {
    const double outside = std::abs(value) - 5;
    if (outside > 0) sum += outside * outside;
  }
  return sum;
}

double SquareSum(const std::vector<double>& z) {
  double sum = 0;
  for (const double value : z) sum += value * value;
  return sum;
}

double WeightedSquares(const std::vector<double>& z, double condition) {
  double sum = 0;
  for (size_t i = 0; i < z.size(); ++i) sum += std::pow(condition, Fraction(i, z.size())) * z[i] * z[i];
  return sum;
}

double Rastrigin(const std::vector<double>& z) {
  double cosines = 0;
  for (const double value : z) cosines += std::cos(2 * std::numbers::pi * value);
  return 10 * (static_cast<double>(z.size()) - cosines) + SquareSum(z);
}

double RosenbrockTerm(double z, double next) { return 100 * (z * z - next) * (z * z - next) + (z - 1) * (z - 1); }

double Rosenbrock(const std::vector<double>& z) {
  double sum = 0;
  for (size_t i = 0; i + 1 < z.size(); ++i) sum += RosenbrockTerm(z[i], z[i + 1]);
  return sum;
}

double Weierstrass(const std::vector<double>& z) {
  const auto wave = [](double x) {
    double sum = 0;
    for (int k = 0; k < 12; ++k)
      sum += std::ldexp(1.0, -k) * std::cos(2 * std::numbers::pi * std::pow(3, k) * (x + 0.5));
    return sum;
  };
  double sum = 0;
  for (const double value : z) sum += wave(value);
  const double above = sum / static_cast<double>(z.size()) - wave(0);
  return 10 * above * above * above;
}

double Schaffers(const std::vector<double>& z) {
  double sum = 0;
  for (size_t i = 0; i + 1 < z.size(); ++i) {
    const double s = std::sqrt(z[i] * z[i] + z[i + 1] * z[i + 1]);
    const double wave = std::sin(50 * std::pow(s, 0.2));
    sum += std::sqrt(s) + std::sqrt(s) * wave * wave;
  }
  const double mean = sum / static_cast<double>(z.size() - 1);
  return mean * mean;
}

}  // namespace athanor
