// A task whose runs were recorded: a table of configurations, each with its learning curve.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/core/search_space.h"
#include "server/simulate/task.h"

namespace athanor {

// A row of the table.
struct RecordedRun {
  Configuration configuration;
  std::vector<RunPoint> points;  // by step; a run that was cut short ends before others
};

// Measured by (these rules bind the figures that the project publishes):
//  * Final value of a row: the one at its last step. Non-finite ranks worst.
//  * Target "1%" (and "0.2%"): the k-th best final value of the n rows, k = max(1, round(n * share)). A search has
//    reached it as soon as any step of any trial reports a value at least as good, at the moment of that step.
//  * Unit of time: the mean over rows of the seconds at the last step.
//  * The optimum is the best value of any row at any step.
//  * A study has at most n trials, and no row is used twice: see TableSearch.
// Immutable; thread-safe.
class RecordedTask final : public Task {
 public:
  // `study`: what Task::study() is. INVALID_ARGUMENT naming the row on a configuration outside the space, a row without
  // points, steps that do not grow from 1 to at most the study's max_resource, or seconds that fall; also without rows,
  // without any finite value or without time.
  static absl::StatusOr<std::unique_ptr<RecordedTask>> Create(StudySpec study, std::vector<RecordedRun> rows);

  const std::string& name() const override { return study_.name; }
  const StudySpec& study() const override { return study_; }
  double unit_seconds() const override { return unit_seconds_; }
  double optimum() const override { return optimum_; }
  std::span<const Target> targets() const override { return targets_; }
  std::optional<int64_t> stock() const override { return static_cast<int64_t>(rows_.size()); }
  std::vector<Configuration> recorded() const override;
  std::unique_ptr<Play> NewPlay() const override;

  const SearchSpace& space() const { return space_; }
  std::span<const RecordedRun> rows() const { return rows_; }
  // The row's coordinates, one a parameter: numbers on [0, 1] of their scale, categories by index, NaN where inactive.
  std::span<const double> PointOf(size_t row) const {
    return std::span(points_).subspan(row * space_.size(), space_.size());
  }
  std::vector<double> Locate(const Configuration& configuration) const;

 private:
  RecordedTask() = default;
  absl::Status CheckRows() const;
  void Measure();

  StudySpec study_;
  SearchSpace space_;
  std::vector<RecordedRun> rows_;
  std::vector<double> points_;  // row by row
  double unit_seconds_ = 0;
  double optimum_ = 0;
  std::vector<Target> targets_;
};

}  // namespace athanor
