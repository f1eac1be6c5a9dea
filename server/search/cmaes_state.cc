#include "server/search/cmaes_state.h"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "server/search/normal.h"

namespace athanor {
namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

constexpr double kLargestDeviation = 0.5;  // of a coordinate's range: wider is hardly a direction
constexpr int kDraws = 8;                  // until a point outside the cube is moved to its edge
constexpr double kSmallestEigenvalue = 1e-20;

auto AsVector(std::vector<double>& values) {
  return Eigen::Map<Vector>(values.data(), static_cast<Eigen::Index>(values.size()));
}
auto AsVector(const std::vector<double>& values) {
  return Eigen::Map<const Vector>(values.data(), static_cast<Eigen::Index>(values.size()));
}
template <typename Values>
auto AsMatrix(Values& values, size_t d) {
  using Mapped = std::conditional_t<std::is_const_v<Values>, const Matrix, Matrix>;
  return Eigen::Map<Mapped>(values.data(), static_cast<Eigen::Index>(d), static_cast<Eigen::Index>(d));
}

// The tutorial's table 1, for positive weights.
struct Rates {
  Rates(const std::vector<double>& weights, double d) {
    double squares = 0;
    for (const double weight : weights) squares += weight * weight;
    mu_eff = 1 / squares;
    c_sigma = (mu_eff + 2) / (d + mu_eff + 5);
    d_sigma = 1 + 2 * std::max(0.0, std::sqrt((mu_eff - 1) / (d + 1)) - 1) + c_sigma;
    c_c = (4 + mu_eff / d) / (d + 4 + 2 * mu_eff / d);
    c_1 = 2 / ((d + 1.3) * (d + 1.3) + mu_eff);
    c_mu = std::min(1 - c_1, 2 * (mu_eff - 2 + 1 / mu_eff) / ((d + 2) * (d + 2) + mu_eff));
    chi = std::sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d));
  }
  double mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu, chi;
};

std::vector<double> WeightsOf(size_t population) {
  std::vector<double> weights;
  for (size_t i = 0; i < population / 2; ++i) {
    weights.push_back(std::log((static_cast<double>(population) + 1) / 2) - std::log(static_cast<double>(i) + 1));
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

CmaesState::CmaesState(const Encoding& encoding, Encoding::Point start)
    : encoding_(&encoding), start_(std::move(start)) {
  const double d = static_cast<double>(start_.size());
  Restart(4 + static_cast<size_t>(3 * std::log(d)));
}

void CmaesState::Restart(size_t population) {
  const size_t d = start_.size();
  population_ = population;
  weights_ = WeightsOf(population);
  mean_ = start_;
  step_size_ = kFirstStep;
  covariance_.assign(d * d, 0);
  for (size_t i = 0; i < d; ++i) covariance_[i * d + i] = 1;
  path_step_.assign(d, 0);
  path_covariance_.assign(d, 0);
  scales_.assign(d, 1);
  generations_ = last_better_ = 0;
  best_ = std::numeric_limits<double>::infinity();
  Decompose();
  KeepMargin();
}

void CmaesState::Decompose() {
  const size_t d = mean_.size();
  eigenvectors_.resize(d * d);
  eigenvalues_.resize(d);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(AsMatrix(std::as_const(covariance_), d));
  AsMatrix(eigenvectors_, d) = solver.eigenvectors();
  AsVector(eigenvalues_) = solver.eigenvalues().cwiseMax(kSmallestEigenvalue).cwiseSqrt();
}

double CmaesState::Deviation(size_t i) const { return step_size_ * scales_[i] * std::sqrt(covariance(i, i)); }

Encoding::Point CmaesState::Sample(Random& random) const {
  const size_t d = mean_.size();
  Encoding::Point point(d);
  Vector z(static_cast<Eigen::Index>(d));
  for (int draw = 0; draw < kDraws; ++draw) {
    for (double& coordinate : z) coordinate = random.Normal();
    const Vector y = AsMatrix(eigenvectors_, d) * AsVector(eigenvalues_).cwiseProduct(z);
    AsVector(point) = AsVector(mean_) + step_size_ * AsVector(scales_).cwiseProduct(y);
    if (std::ranges::all_of(point, [](double x) { return x >= 0 && x <= 1; })) return point;
  }
  for (double& x : point) x = std::clamp(x, 0.0, 1.0);
  return point;
}

struct CmaesState::Selection {
  Vector step;
  Vector whitened_step;  // C^(-1/2) step
  Matrix rank_mu;
  double weight = 0;  // of the finite ones
  double best = 0;
};

CmaesState::Selection CmaesState::Select(std::span<const TriedPoint> generation) const {
  std::vector<const TriedPoint*> ranked;
  for (const TriedPoint& tried : generation) ranked.push_back(&tried);
  std::ranges::stable_sort(ranked, {}, &TriedPoint::value);

  const auto d = static_cast<Eigen::Index>(mean_.size());
  const auto dimensions = static_cast<double>(d);
  const double longest = std::sqrt(dimensions) + 2 * dimensions / (dimensions + 2);
  const auto vectors = AsMatrix(eigenvectors_, mean_.size());
  const auto whiten = [&](const Vector& y) -> Vector {
    return vectors * (vectors.transpose() * y).cwiseQuotient(AsVector(eigenvalues_));
  };
  Selection selection{.step = Vector::Zero(d), .whitened_step = {}, .rank_mu = Matrix::Zero(d, d)};
  selection.best = ranked.front()->value;
  for (size_t i = 0; i < weights_.size() && std::isfinite(ranked[i]->value); ++i) {
    Vector y = (AsVector(ranked[i]->point) - AsVector(mean_)).cwiseQuotient(AsVector(scales_)) / step_size_;
    if (const double length = whiten(y).norm(); length > longest) y *= longest / length;
    selection.weight += weights_[i];
    selection.step += weights_[i] * y;
    selection.rank_mu += weights_[i] * y * y.transpose();
  }
  selection.whitened_step = whiten(selection.step);
  return selection;
}

void CmaesState::Move(const Selection& selection) {
  const auto dimensions = static_cast<double>(mean_.size());
  const Rates rates(weights_, dimensions);
  AsVector(mean_) += step_size_ * selection.step;
  for (double& x : mean_) x = std::clamp(x, 0.0, 1.0);

  auto path_step = AsVector(path_step_);
  path_step = (1 - rates.c_sigma) * path_step +
              std::sqrt(rates.c_sigma * (2 - rates.c_sigma) * rates.mu_eff) * selection.whitened_step;
  const double settled = 1 - std::pow(1 - rates.c_sigma, 2 * static_cast<double>(generations_));
  const bool slow = path_step.norm() / std::sqrt(settled) < (1.4 + 2 / (dimensions + 1)) * rates.chi;  // h_sigma
  auto path = AsVector(path_covariance_);
  path = (1 - rates.c_c) * path;
  if (slow) path += std::sqrt(rates.c_c * (2 - rates.c_c) * rates.mu_eff) * selection.step;

  const double kept =
      1 - rates.c_1 - rates.c_mu * selection.weight + (slow ? 0 : rates.c_1 * rates.c_c * (2 - rates.c_c));
  auto covariance = AsMatrix(covariance_, mean_.size());
  covariance = (kept * covariance + rates.c_1 * path * path.transpose() + rates.c_mu * selection.rank_mu).eval();
  step_size_ *= std::exp(std::min(1.0, rates.c_sigma / rates.d_sigma * (path_step.norm() / rates.chi - 1)));
  const double widest = step_size_ * std::sqrt(covariance.diagonal().maxCoeff());
  if (widest > kLargestDeviation) step_size_ *= kLargestDeviation / widest;
}

void CmaesState::Update(std::span<const TriedPoint> generation) {
  const Selection selection = Select(generation);
  if (!std::isfinite(selection.best)) return;  // nothing tells one direction from another
  ++generations_;
  Move(selection);
  if (IsStuck(selection.best)) return Restart(2 * population_);
  Decompose();
  KeepMargin();
}

bool CmaesState::IsStuck(double best_of_generation) {
  if (best_of_generation < best_) {
    best_ = best_of_generation;
    last_better_ = generations_;
  }
  const double patience = 10 + 30 * static_cast<double>(mean_.size()) / static_cast<double>(population_);
  if (static_cast<double>(generations_ - last_better_) > patience) return true;
  bool any = false;
  for (size_t i = 0; i < mean_.size(); ++i) {
    if (encoding_->dimension(i).kind == Encoding::Kind::kGrid) continue;
    any = true;
    if (Deviation(i) > kConverged) return false;
  }
  return any;
}

void CmaesState::KeepMargin() {
  const double alpha = 1 / (static_cast<double>(mean_.size()) * static_cast<double>(population_));
  for (size_t i = 0; i < mean_.size(); ++i) {
    if (encoding_->dimension(i).kind == Encoding::Kind::kGrid && encoding_->dimension(i).count > 1) {
      KeepMarginOf(i, alpha);
    }
  }
}

// Section 4.2 and 4.3 of the paper.
void CmaesState::KeepMarginOf(size_t i, double alpha) {
  double& mean = mean_[i];
  const Encoding::Cell cell = encoding_->CellOf(i, mean);
  const double deviation = Deviation(i);
  if (cell.index == 0 || cell.index == encoding_->dimension(i).count - 1) {
    const double reach = deviation * NormalQuantile(1 - alpha);
    mean = cell.index == 0 ? std::max(mean, cell.upper - reach) : std::min(mean, cell.lower + reach);
    return;
  }
  const double below = NormalBelow((cell.lower - mean) / deviation);
  const double above = NormalBelow((mean - cell.upper) / deviation);
  const double inside = 1 - below - above;
  const double low = std::max(alpha / 2, below), high = std::max(alpha / 2, above);
  if (low == below && high == above) return;
  const double excess = (1 - low - high - inside) / (low + high + inside - 3 * alpha / 2);
  const double z_low = NormalQuantile(1 - (low + excess * (low - alpha / 2)));
  const double z_high = NormalQuantile(1 - (high + excess * (high - alpha / 2)));
  scales_[i] *= (cell.upper - cell.lower) / (deviation * (z_low + z_high));
  mean = (cell.lower * z_high + cell.upper * z_low) / (z_low + z_high);
}

}  // namespace athanor
