#include "server/search/box_minimizer.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

namespace athanor {
namespace {

using Vector = std::vector<double>;

constexpr size_t kMemory = 8;              // pairs kept: m
constexpr double kTolerance = 1e-6;        // of the projected gradient
constexpr double kSufficientShare = 1e-4;  // c_1 of the Armijo condition
constexpr double kLongestFirstStep = 0.5;  // before any curvature is known

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// What a step changed: s_k and y_k.
struct Curvature {
  Vector step;
  Vector gradient_change;
  double product;  // s . y > 0
};

// The two-loop recursion: minus the approximate inverse Hessian times `gradient`.
Vector QuasiNewtonDirection(const std::deque<Curvature>& memory, Vector gradient) {
  Vector shares(memory.size());
  for (size_t k = memory.size(); k-- > 0;) {
    shares[k] = Dot(memory[k].step, gradient) / memory[k].product;
    for (size_t i = 0; i < gradient.size(); ++i) gradient[i] -= shares[k] * memory[k].gradient_change[i];
  }
  if (!memory.empty()) {
    const Curvature& last = memory.back();
    const double scale = last.product / Dot(last.gradient_change, last.gradient_change);
    for (double& g : gradient) g *= scale;
  }
  for (size_t k = 0; k < memory.size(); ++k) {
    const double back = Dot(memory[k].gradient_change, gradient) / memory[k].product;
    for (size_t i = 0; i < gradient.size(); ++i) gradient[i] += (shares[k] - back) * memory[k].step[i];
  }
  for (double& g : gradient) g = -g;
  return gradient;
}

class Descent {
 public:
  Descent(DifferentiableFunction function, std::span<const double> start, Box box, int evaluations)
      : function_(function), box_(box), left_(evaluations), x_(start.begin(), start.end()), gradient_(x_.size()) {
    Project(x_);
    value_ = Evaluate(x_, gradient_);
  }

  BoxMinimum Run() {
    while (left_ > 0 && std::isfinite(value_) && Step()) {
    }
    return {.x = std::move(x_), .value = value_};
  }

 private:
  double Evaluate(const Vector& x, Vector& gradient) {
    --left_;
    return function_(x, gradient);
  }
  void Project(Vector& x) const {
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(x[i], box_.lower[i], box_.upper[i]);
  }
  // The gradient without the coordinates that a bound holds.
  Vector FreeGradient() const {
    Vector free = gradient_;
    for (size_t i = 0; i < free.size(); ++i) {
      const bool held = (x_[i] <= box_.lower[i] && free[i] > 0) || (x_[i] >= box_.upper[i] && free[i] < 0);
      if (held) free[i] = 0;
    }
    return free;
  }

  Vector Direction(const Vector& free) {
    Vector direction = QuasiNewtonDirection(memory_, free);
    for (size_t i = 0; i < free.size(); ++i) {
      if (free[i] == 0) direction[i] = 0;
    }
    if (Dot(direction, free) < 0 && !memory_.empty()) return direction;
    memory_.clear();  // no descent: start again along the gradient
    const double length = std::sqrt(Dot(free, free));
    const double scale = std::min(1.0, kLongestFirstStep / length);
    for (size_t i = 0; i < free.size(); ++i) direction[i] = -scale * free[i];
    return direction;
  }

  // Whether a better point was found.
  bool Step() {
    const Vector free = FreeGradient();
    if (std::ranges::all_of(free, [](double g) { return std::abs(g) <= kTolerance; })) return false;
    const Vector direction = Direction(free);
    Vector next(x_.size()), next_gradient(x_.size());
    for (double share = 1; left_ > 0; share *= 0.4) {
      for (size_t i = 0; i < x_.size(); ++i) next[i] = x_[i] + share * direction[i];
      Project(next);
      double expected = 0;
      for (size_t i = 0; i < x_.size(); ++i) expected += gradient_[i] * (next[i] - x_[i]);
      if (expected > -1e-14) return false;
      const double value = Evaluate(next, next_gradient);
      if (!(value <= value_ + kSufficientShare * expected)) continue;
      Remember(next, next_gradient);
      x_.swap(next);
      gradient_.swap(next_gradient);
      value_ = value;
      return true;
    }
    return false;
  }

  void Remember(const Vector& next, const Vector& next_gradient) {
    Curvature pair = {.step = next, .gradient_change = next_gradient, .product = 0};
    for (size_t i = 0; i < x_.size(); ++i) {
      pair.step[i] -= x_[i];
      pair.gradient_change[i] -= gradient_[i];
    }
    pair.product = Dot(pair.step, pair.gradient_change);
    if (pair.product <= 1e-12 * Dot(pair.gradient_change, pair.gradient_change)) return;  // not convex along the step
    memory_.push_back(std::move(pair));
    if (memory_.size() > kMemory) memory_.pop_front();
  }

  DifferentiableFunction function_;
  Box box_;
  int left_;
  Vector x_;
  Vector gradient_;
  double value_ = 0;
  std::deque<Curvature> memory_;
};

}  // namespace

BoxMinimum MinimizeInBox(DifferentiableFunction function, std::span<const double> start, Box box, int max_evaluations) {
  return Descent(function, start, box, max_evaluations).Run();
}

}  // namespace athanor
