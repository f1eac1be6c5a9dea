// The parts that the BBOB functions are made of (Hansen et al. 2009, INRIA RR-6829, section 0.2), in the report's
// symbols.
#pragma once

#include <cstddef>
#include <vector>

namespace athanor {

inline constexpr double kLunacekMu = 2.5;  // mu_0 of f24

// (i - 1) / (D - 1) with i from 1; here `index` from 0.
double Fraction(size_t index, size_t size);
// T_osz: small irregularities, keeps sign and order.
double Oscillate(double x);
std::vector<double> Oscillated(std::vector<double> x);
// T_asy^beta: breaks the symmetry of positive and negative.
std::vector<double> Skewed(std::vector<double> x, double beta);
// Lambda^alpha: condition sqrt(alpha).
std::vector<double> Stretched(std::vector<double> x, double alpha);
// f_pen: squared distance outside [-5, 5], summed.
double BoundaryPenalty(const std::vector<double>& x);

double SquareSum(const std::vector<double>& z);
// sum of condition^fraction * z^2.
double WeightedSquares(const std::vector<double>& z, double condition);
inline double Ellipsoid(const std::vector<double>& z) { return WeightedSquares(z, 1e6); }
double Rastrigin(const std::vector<double>& z);
double RosenbrockTerm(double z, double next);
double Rosenbrock(const std::vector<double>& z);
double Weierstrass(const std::vector<double>& z);  // f16 without its penalty
double Schaffers(const std::vector<double>& z);    // f17 and f18 without their penalty

}  // namespace athanor
