#include "server/simulate/bbob_function.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "server/simulate/bbob_transforms.h"

namespace athanor {
namespace {

enum Stream : uint64_t {
  kOptimumStream,
  kValueStream,
  kRotationStream,
  kSecondRotationStream,
  kSignStream,
  kPeakStream
};

Random StreamOf(Stream stream, int function, int dimensions, uint64_t instance) {
  return Random({0x62626f62, instance, static_cast<uint64_t>(function), static_cast<uint64_t>(dimensions), stream});
}

double UniformIn(Random& random, double bound) { return bound * (2 * random.Uniform() - 1); }

// Gram-Schmidt over rows of standard normals: uniform over the orthogonal matrices.
SquareMatrix RandomRotation(size_t size, Random random) {
  SquareMatrix matrix(size);
  for (size_t row = 0; row < size; ++row) {
    for (size_t i = 0; i < size; ++i) matrix.At(row, i) = random.Normal();
    for (size_t before = 0; before < row; ++before) {
      double product = 0;
      for (size_t i = 0; i < size; ++i) product += matrix.At(row, i) * matrix.At(before, i);
      for (size_t i = 0; i < size; ++i) matrix.At(row, i) -= product * matrix.At(before, i);
    }
    double square = 0;
    for (size_t i = 0; i < size; ++i) square += matrix.At(row, i) * matrix.At(row, i);
    for (size_t i = 0; i < size; ++i) matrix.At(row, i) /= std::sqrt(square);
  }
  return matrix;
}

std::vector<int> Shuffled(int count, Random& random) {
  std::vector<int> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return order;
}

}  // namespace

std::vector<double> SquareMatrix::Apply(const std::vector<double>& x) const {
  std::vector<double> y(size_, 0.0);
  for (size_t row = 0; row < size_; ++row) {
    for (size_t i = 0; i < size_; ++i) y[row] += At(row, i) * x[i];
  }
  return y;
}

std::vector<double> SquareMatrix::ApplyTransposed(const std::vector<double>& x) const {
  std::vector<double> y(size_, 0.0);
  for (size_t row = 0; row < size_; ++row) {
    for (size_t i = 0; i < size_; ++i) y[i] += At(row, i) * x[row];
  }
  return y;
}

absl::StatusOr<BbobFunction> BbobFunction::Create(int function, int dimensions, uint64_t instance) {
  if (function < 1 || function > kFunctions) {
    return absl::InvalidArgumentError(absl::StrCat("function ", function, " does not exist; want 1 to ", kFunctions));
  }
  if (dimensions < 2 || dimensions > 1000) {
    return absl::InvalidArgumentError(absl::StrCat(dimensions, " dimensions; want 2 to 1000"));
  }
  return BbobFunction(function, dimensions, instance);
}

BbobFunction::BbobFunction(int function, int dimensions, uint64_t instance)
    : function_(function),
      optimum_(static_cast<size_t>(dimensions)),
      r_(RandomRotation(optimum_.size(), StreamOf(kRotationStream, function, dimensions, instance))),
      q_(RandomRotation(optimum_.size(), StreamOf(kSecondRotationStream, function, dimensions, instance))) {
  Random sign = StreamOf(kSignStream, function, dimensions, instance);
  for (int i = 0; i < dimensions; ++i) signs_.push_back(sign.Below(2) == 0 ? -1 : 1);
  Random value = StreamOf(kValueStream, function, dimensions, instance);
  const double numerator = value.Normal();
  const double cauchy = 100 * numerator / value.Normal();
  optimal_value_ = std::clamp(std::round(cauchy * 100) / 100, -1000.0, 1000.0);
  PlaceOptimum(instance);
  if (function == 21 || function == 22) PlacePeaks(instance);
}

void BbobFunction::PlaceOptimum(uint64_t instance) {
  const size_t size = optimum_.size();
  Random random = StreamOf(kOptimumStream, function_, dimensions(), instance);
  for (size_t i = 0; i < size; ++i) optimum_[i] = UniformIn(random, function_ == 8 ? 3 : function_ == 22 ? 3.92 : 4);
  switch (function_) {
    case 4:  // deceptive towards positive values in every other coordinate
      for (size_t i = 0; i < size; i += 2) optimum_[i] = std::abs(optimum_[i]);
      break;
    case 5:
      for (size_t i = 0; i < size; ++i) optimum_[i] = 5 * signs_[i];
      break;
    case 9:
    case 19: {  // where the valley's z is 1
      const double scale = std::max(1.0, std::sqrt(static_cast<double>(size)) / 8);
      optimum_ = r_.ApplyTransposed(std::vector<double>(size, 0.5 / scale));
      break;
    }
    case 20:
      for (size_t i = 0; i < size; ++i) optimum_[i] = 4.2096874633 / 2 * signs_[i];
      break;
    case 24:
      for (size_t i = 0; i < size; ++i) optimum_[i] = kLunacekMu / 2 * signs_[i];
      break;
    default:
      break;
  }
}

void BbobFunction::PlacePeaks(uint64_t instance) {
  const int count = function_ == 21 ? 101 : 21;
  const double range = function_ == 21 ? 5 : 4.9;
  Random random = StreamOf(kPeakStream, function_, dimensions(), instance);
  const std::vector<int> conditions = Shuffled(count - 1, random);
  for (int k = 0; k < count; ++k) {
    Peak peak;
    peak.height = k == 0 ? 10 : 1.1 + 8.0 * (k - 1) / (count - 2);
    const double first = function_ == 21 ? 1000 : 1e6;
    const double alpha = k == 0 ? first : std::pow(1000, 2.0 * conditions[static_cast<size_t>(k - 1)] / (count - 2));
    std::vector<double> centre = optimum_;
    if (k > 0) {
      for (double& coordinate : centre) coordinate = UniformIn(random, range);
    }
    peak.centre = r_.Apply(centre);
    const std::vector<int> order = Shuffled(dimensions(), random);
    peak.scaling.resize(optimum_.size());
    for (size_t i = 0; i < peak.scaling.size(); ++i) {
      peak.scaling[static_cast<size_t>(order[i])] =
          std::pow(alpha, Fraction(i, peak.scaling.size()) / 2) / std::pow(alpha, 0.25);
    }
    peaks_.push_back(std::move(peak));
  }
}

double BbobFunction::operator()(const std::vector<double>& x) const {
  const double above = function_ <= 5    ? Separable(x)
                       : function_ <= 14 ? Conditioned(x)
                       : function_ <= 19 ? Multimodal(x)
                                         : WeaklyStructured(x);
  return optimal_value_ + above;
}

std::vector<double> BbobFunction::Shifted(const std::vector<double>& x) const {
  std::vector<double> z(x.size());
  for (size_t i = 0; i < x.size(); ++i) z[i] = x[i] - optimum_[i];
  return z;
}

std::vector<double> BbobFunction::Valley(const std::vector<double>& x) const {
  const double scale = std::max(1.0, std::sqrt(static_cast<double>(x.size())) / 8);
  std::vector<double> z = function_ == 8 ? Shifted(x) : r_.Apply(x);
  for (double& value : z) value = scale * value + (function_ == 8 ? 1 : 0.5);
  return z;
}

double BbobFunction::Separable(const std::vector<double>& x) const {
  const size_t size = x.size();
  std::vector<double> z = Shifted(x);
  switch (function_) {
    case 1:
      return SquareSum(z);
    case 2:
      return Ellipsoid(Oscillated(z));
    case 3:
      return Rastrigin(Stretched(Skewed(Oscillated(z), 0.2), 10));
    case 4: {
      z = Stretched(Oscillated(z), 10);
      for (size_t i = 0; i < size; i += 2) {
        if (z[i] > 0) z[i] *= 10;
      }
      return Rastrigin(z) + 100 * BoundaryPenalty(x);
    }
    default: {
      double sum = 0;
      for (size_t i = 0; i < size; ++i) {
        const double slope = signs_[i] * std::pow(10, Fraction(i, size));
        const double inside = optimum_[i] * x[i] < 25 ? x[i] : optimum_[i];
        sum += 5 * std::abs(slope) - slope * inside;
      }
      return sum;
    }
  }
}

double BbobFunction::Conditioned(const std::vector<double>& x) const {
  switch (function_) {
    case 6: {
      std::vector<double> z = q_.Apply(Stretched(r_.Apply(Shifted(x)), 10));
      for (size_t i = 0; i < z.size(); ++i) z[i] *= z[i] * optimum_[i] > 0 ? 100 : 1;
      return std::pow(Oscillate(SquareSum(z)), 0.9);
    }
    case 7: {
      std::vector<double> z = Stretched(r_.Apply(Shifted(x)), 10);
      const double first = std::abs(z[0]);
      for (double& value : z) {
        value = std::abs(value) > 0.5 ? std::floor(0.5 + value) : std::floor(0.5 + 10 * value) / 10;
      }
      return 0.1 * std::max(first / 1e4, WeightedSquares(q_.Apply(z), 100)) + BoundaryPenalty(x);
    }
    case 8:
    case 9:
      return Rosenbrock(Valley(x));
    case 10:
      return Ellipsoid(Oscillated(r_.Apply(Shifted(x))));
    case 11: {
      const std::vector<double> z = Oscillated(r_.Apply(Shifted(x)));
      return SquareSum(z) + (1e6 - 1) * z[0] * z[0];
    }
    case 12: {
      const std::vector<double> z = r_.Apply(Skewed(r_.Apply(Shifted(x)), 0.5));
      return 1e6 * SquareSum(z) - (1e6 - 1) * z[0] * z[0];
    }
    case 13: {
      const std::vector<double> z = q_.Apply(Stretched(r_.Apply(Shifted(x)), 10));
      return z[0] * z[0] + 100 * std::sqrt(std::max(0.0, SquareSum(z) - z[0] * z[0]));
    }
    default: {
      const std::vector<double> z = r_.Apply(Shifted(x));
      double sum = 0;
      for (size_t i = 0; i < z.size(); ++i) sum += std::pow(std::abs(z[i]), 2 + 4 * Fraction(i, z.size()));
      return std::sqrt(sum);
    }
  }
}

double BbobFunction::Multimodal(const std::vector<double>& x) const {
  const auto size = static_cast<double>(x.size());
  const std::vector<double> rotated = r_.Apply(Shifted(x));
  switch (function_) {
    case 15:
      return Rastrigin(r_.Apply(Stretched(q_.Apply(Skewed(Oscillated(rotated), 0.2)), 10)));
    case 16:
      return Weierstrass(r_.Apply(Stretched(q_.Apply(Oscillated(rotated)), 0.01))) + 10 / size * BoundaryPenalty(x);
    case 17:
      return Schaffers(Stretched(q_.Apply(Skewed(rotated, 0.5)), 10)) + 10 * BoundaryPenalty(x);
    case 18:
      return Schaffers(Stretched(q_.Apply(Skewed(rotated, 0.5)), 1000)) + 10 * BoundaryPenalty(x);
    default: {
      const std::vector<double> z = Valley(x);
      double sum = 0;
      for (size_t i = 0; i + 1 < z.size(); ++i) {
        const double s = RosenbrockTerm(z[i], z[i + 1]);
        sum += s / 4000 - std::cos(s);
      }
      return 10 / (size - 1) * sum + 10;
    }
  }
}

double BbobFunction::WeaklyStructured(const std::vector<double>& x) const {
  switch (function_) {
    case 20:
      return Schwefel(x);
    case 21:
    case 22:
      return Gallagher(x);
    case 23:
      return Katsuura(x);
    default:
      return Lunacek(x);
  }
}

double BbobFunction::Schwefel(const std::vector<double>& x) const {
  const size_t size = x.size();
  std::vector<double> z(size);
  for (size_t i = 0; i < size; ++i) {
    z[i] = 2 * signs_[i] * x[i] - 2 * std::abs(optimum_[i]);
    if (i > 0) z[i] += 0.25 * (2 * signs_[i - 1] * x[i - 1] - 2 * std::abs(optimum_[i - 1]));
  }
  z = Stretched(std::move(z), 10);
  double sum = 0;
  for (size_t i = 0; i < size; ++i) {
    z[i] = 100 * (z[i] + 2 * std::abs(optimum_[i]));
    sum += z[i] * std::sin(std::sqrt(std::abs(z[i])));
    z[i] /= 100;
  }
  return -sum / (100 * static_cast<double>(size)) + 4.189828872724339 + 100 * BoundaryPenalty(z);
}

double BbobFunction::Gallagher(const std::vector<double>& x) const {
  const std::vector<double> z = r_.Apply(x);
  double highest = 0;
  for (const Peak& peak : peaks_) {
    double distance = 0;
    for (size_t i = 0; i < z.size(); ++i) {
      distance += peak.scaling[i] * (z[i] - peak.centre[i]) * (z[i] - peak.centre[i]);
    }
    highest = std::max(highest, peak.height * std::exp(-distance / (2 * static_cast<double>(z.size()))));
  }
  const double below = Oscillate(10 - highest);
  return below * below + BoundaryPenalty(x);
}

double BbobFunction::Katsuura(const std::vector<double>& x) const {
  const auto size = static_cast<double>(x.size());
  const std::vector<double> z = q_.Apply(Stretched(r_.Apply(Shifted(x)), 100));
  double product = 1;
  for (size_t i = 0; i < z.size(); ++i) {
    double sum = 0;
    for (int j = 1; j <= 32; ++j) {
      const double power = std::ldexp(1.0, j);
      sum += std::abs(power * z[i] - std::round(power * z[i])) / power;
    }
    product *= std::pow(1 + static_cast<double>(i + 1) * sum, 10 / std::pow(size, 1.2));
  }
  return 10 / (size * size) * (product - 1) + BoundaryPenalty(x);
}

double BbobFunction::Lunacek(const std::vector<double>& x) const {
  const auto size = static_cast<double>(x.size());
  const double s = 1 - 1 / (2 * std::sqrt(size + 20) - 8.2);
  const double mu1 = -std::sqrt((kLunacekMu * kLunacekMu - 1) / s);
  double near = 0;
  double far = 0;
  std::vector<double> z(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double mirrored = 2 * signs_[i] * x[i];
    near += (mirrored - kLunacekMu) * (mirrored - kLunacekMu);
    far += (mirrored - mu1) * (mirrored - mu1);
    z[i] = mirrored - kLunacekMu;
  }
  z = q_.Apply(Stretched(r_.Apply(z), 100));
  double cosines = 0;
  for (const double value : z) cosines += std::cos(2 * std::numbers::pi * value);
  return std::min(near, size + s * far) + 10 * (size - cosines) + 1e4 * BoundaryPenalty(x);
}

}  // namespace athanor
