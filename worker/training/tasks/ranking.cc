#include "worker/training/tasks/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace athanor::training {
namespace {

// The first and last point, and of the others each that is the first of its stretch, where the way from the first to
// the last is divided into max_points - 1 stretches. `way`: how far along the curve a point lies; does not fall.
template <typename Point, typename Way>
std::vector<Point> Thin(const std::vector<Point>& points, size_t max_points, const Way& way) {
  if (points.size() <= max_points) return points;
  const double start = way(points.front());
  const double length = way(points.back()) - start;
  const auto stretches = static_cast<double>(max_points - 1);
  const auto stretch = [&](const Point& point) {
    return length > 0 ? std::min(std::floor((way(point) - start) / length * stretches), stretches - 1) : 0.0;
  };
  std::vector<Point> kept = {points.front()};
  for (size_t i = 1; i + 1 < points.size(); ++i) {
    if (stretch(points[i]) != stretch(points[i - 1])) kept.push_back(points[i]);
  }
  kept.push_back(points.back());
  return kept;
}

}  // namespace

Ranking::Ranking(std::vector<ScoredExample> examples) {
  for (const ScoredExample& example : examples) {
    ++(example.positive ? positives_ : negatives_);
    has_nan_ |= std::isnan(example.score);
  }
  if (has_nan_) return;
  std::ranges::sort(examples, std::greater<>(), &ScoredExample::score);
  int64_t positives = 0, negatives = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    ++(examples[i].positive ? positives : negatives);
    const bool last_of_group = i + 1 == examples.size() || examples[i + 1].score != examples[i].score;
    if (last_of_group) groups_.push_back({examples[i].score, positives, negatives});
  }
}

std::optional<double> Ranking::RocArea() const {
  if (!Defined()) return std::nullopt;
  if (has_nan_) return std::numeric_limits<double>::quiet_NaN();
  double area = 0;  // in pairs of a positive and a negative
  Group before;
  for (const Group& group : groups_) {
    const auto negatives = static_cast<double>(group.negatives - before.negatives);
    area += negatives * static_cast<double>(group.positives + before.positives) / 2;
    before = group;
  }
  return area / static_cast<double>(positives_) / static_cast<double>(negatives_);
}

std::optional<double> Ranking::AveragePrecision() const {
  if (!Defined()) return std::nullopt;
  if (has_nan_) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  int64_t positives = 0;
  for (const Group& group : groups_) {
    const double precision =
        static_cast<double>(group.positives) / static_cast<double>(group.positives + group.negatives);
    sum += precision * static_cast<double>(group.positives - positives);
    positives = group.positives;
  }
  return sum / static_cast<double>(positives_);
}

std::vector<RocPoint> Ranking::RocCurve(size_t max_points) const {
  if (!Defined() || has_nan_) return {};
  std::vector<RocPoint> points = {{.threshold = std::numeric_limits<double>::infinity()}};
  for (const Group& group : groups_) {
    points.push_back({.threshold = group.score,
                      .false_positive_rate = static_cast<double>(group.negatives) / static_cast<double>(negatives_),
                      .true_positive_rate = static_cast<double>(group.positives) / static_cast<double>(positives_)});
  }
  return Thin(points, max_points,
              [](const RocPoint& point) { return point.false_positive_rate + point.true_positive_rate; });
}

std::vector<PrecisionRecallPoint> Ranking::PrecisionRecallCurve(size_t max_points) const {
  if (!Defined() || has_nan_) return {};
  std::vector<PrecisionRecallPoint> points;
  for (const Group& group : groups_) {
    points.push_back(
        {.threshold = group.score,
         .recall = static_cast<double>(group.positives) / static_cast<double>(positives_),
         .precision = static_cast<double>(group.positives) / static_cast<double>(group.positives + group.negatives)});
  }
  return Thin(points, max_points, [](const PrecisionRecallPoint& point) { return point.recall; });
}

}  // namespace athanor::training
