// A Gaussian process over points (Rasmussen and Williams 2006, chapters 2 and 5): Matern 5/2 kernel with one length
// scale a parameter, a constant mean integrated out, Gaussian noise.
//
//   k(x, x') = s^2 (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r) + c^2,   r^2 = sum over i of ((x_i - x'_i) / l_i)^2
//   y_j = f(x_j) + noise of variance sigma^2 + extra_noise_j
//
// c^2 = kMeanVariance is the prior variance of the mean, for values of about unit variance.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace athanor {

// What the model learns from: n points of d coordinates each.
struct GaussianProcessData {
  std::vector<size_t> parameter_of;  // [d]: whose length scale a coordinate has, 0 <= parameter_of < parameters
  size_t parameters = 0;
  std::vector<double> points = {};       // [n, d], row after row; coordinates of about [0, 1]
  std::vector<double> values = {};       // [n]: about zero mean and unit variance
  std::vector<double> extra_noise = {};  // [n]: variances >= 0 on top of sigma^2

  size_t size() const { return values.size(); }
  size_t coordinates() const { return parameter_of.size(); }
};

// In logarithms, because all of them are positive.
struct KernelParameters {
  std::vector<double> log_length_scales;  // [parameters]: log l
  double log_signal = 0;                  // log s^2
  double log_noise = -4;                  // log sigma^2

  // As one vector: the length scales, signal, noise.
  std::vector<double> Flatten() const;
  static KernelParameters Unflatten(std::span<const double> flat);
};

// log p(y | X, parameters) (equation 5.8) and its gradient by the flattened parameters (5.9). -inf, gradient 0, where
// the kernel matrix is not positive definite. O(n^3 + n^2 d).
struct LogLikelihood {
  double value = 0;
  std::vector<double> gradient;
};
LogLikelihood LogMarginalLikelihood(const GaussianProcessData& data, const KernelParameters& parameters);

// The parameters of greatest log likelihood + log prior, found within `max_evaluations` likelihoods. Priors, for d
// parameters: log l ~ N(log(d) / 2, 1) (that scales grow with sqrt(d) as in Hvarfner, Hellsten and Nardi 2024,
// arXiv:2402.02229, section 4; shorter and surer than theirs), log s^2 ~ N(0, 1), log sigma^2 ~ N(-8, 4): little noise
// unless the values say so. Deterministic. data.size() >= 1.
KernelParameters FitKernel(const GaussianProcessData& data, int max_evaluations);

// The distribution of f, without noise, at a point.
struct Prediction {
  double mean = 0;
  double variance = 0;  // > 0
};
struct PredictionWithGradient : Prediction {
  std::vector<double> mean_gradient;  // [d]
  std::vector<double> variance_gradient;
};

// The posterior (equations 2.25 and 2.26). Immutable; thread-safe; owns all it looks at.
class GaussianProcess {
 public:
  static constexpr double kMeanVariance = 1;

  // O(n^3). Where rounding leaves the kernel matrix indefinite, noise grows until it is not.
  GaussianProcess(GaussianProcessData data, KernelParameters parameters);
  GaussianProcess(GaussianProcess&&) noexcept;
  GaussianProcess& operator=(GaussianProcess&&) noexcept;
  ~GaussianProcess();

  // [m, d] points, row after row. O(m n (n + d)).
  std::vector<Prediction> Predict(std::span<const double> points) const;
  // O(n^2 + n d).
  PredictionWithGradient PredictWithGradient(std::span<const double> point) const;

  // What it expects at the points that it learned from, in their order, later ones last. O(n).
  std::vector<double> FittedMeans() const;

  // What it would expect to observe, noise included, at each of those points, had it not learned from that one
  // (equations 5.10 to 5.12, with the same kernel parameters). O(n^3).
  std::vector<Prediction> LeaveOneOut() const;

  // The model after seeing, free of noise, at each of the [m, d] points exactly what it expects there ("kriging
  // believer", Ginsbourger, Le Riche and Carraro 2010): means stay, variances around the points shrink. O((n + m)^3).
  GaussianProcess Believing(std::span<const double> points) const;

 private:
  struct Posterior;
  explicit GaussianProcess(std::unique_ptr<const Posterior> posterior);

  std::unique_ptr<const Posterior> posterior_;
};

}  // namespace athanor
