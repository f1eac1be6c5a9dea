// How well scores tell positive examples from negative ones, at every threshold at once. No LibTorch here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace athanor::training {

struct ScoredExample {
  double score = 0;  // the higher, the likelier positive
  bool positive = false;
};

struct RocPoint {
  double threshold = 0;            // examples with at least this score are taken for positive
  double false_positive_rate = 0;  // of the negatives
  double true_positive_rate = 0;   // of the positives
};

struct PrecisionRecallPoint {
  double threshold = 0;
  double recall = 0;
  double precision = 0;
};

// Examples of equal score are told apart by no threshold: they enter all measures as one group, so that the order in
// which they came does not matter. Measures are exact but for rounding. Immutable.
//
// Nothing is defined, and the curves are empty, unless there are positives and negatives. If any score is NaN the areas
// are NaN and the curves are empty.
class Ranking {
 public:
  // O(n log n).
  explicit Ranking(std::vector<ScoredExample> examples);

  // Area under the ROC curve: the probability that a positive scores above a negative, ties counting half (Mann and
  // Whitney 1947; Fawcett 2006). In [0, 1].
  std::optional<double> RocArea() const;
  // Average precision: the sum over thresholds, from the highest, of precision times what recall rises by. A step
  // function, not the trapezoid, which is too optimistic (Davis and Goadrich 2006). In (0, 1].
  std::optional<double> AveragePrecision() const;

  // The points of the curve, thresholds falling: at most `max_points` >= 2 of them, about evenly along the curve,
  // always with the first and the last. The ROC curve starts with threshold infinity at (0, 0); both end where all
  // examples are taken for positive.
  std::vector<RocPoint> RocCurve(size_t max_points) const;
  std::vector<PrecisionRecallPoint> PrecisionRecallCurve(size_t max_points) const;

 private:
  // Counts of the examples with at least this score.
  struct Group {
    double score = 0;
    int64_t positives = 0;
    int64_t negatives = 0;
  };
  bool Defined() const { return positives_ > 0 && negatives_ > 0; }

  int64_t positives_ = 0;
  int64_t negatives_ = 0;
  bool has_nan_ = false;
  std::vector<Group> groups_;  // scores falling; empty if has_nan_
};

}  // namespace athanor::training
