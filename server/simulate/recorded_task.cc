#include "server/simulate/recorded_task.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/core/orientation.h"
#include "server/simulate/table_search.h"

namespace athanor {
namespace {

struct Share {
  const char* name;
  double of_rows;
};
constexpr Share kTargets[] = {{"1%", 0.01}, {"0.2%", 0.002}};

class RecordedPlay final : public Play {
 public:
  explicit RecordedPlay(const RecordedTask& task) : task_(task), rows_(task.rows().size()) {}

  absl::StatusOr<std::unique_ptr<SearchMethod>> CreateSearch(const StudySpec& spec, const SearchSpace& space) override {
    return TableSearch::Create(task_, spec, space, rows_);
  }

  std::span<const RunPoint> RunOf(const Trial& trial) override {
    // What was enqueued whole was enqueued in the order of the rows.
    const int64_t row = trial.suggestion_index.has_value() ? rows_.Of(*trial.suggestion_index) : trial.number;
    return task_.rows()[static_cast<size_t>(row)].points;
  }

 private:
  const RecordedTask& task_;
  RowsTaken rows_;
};

double Coordinate(const Parameter& parameter, const Value& value) {
  if (parameter.type == ParameterType::kCategorical) {
    return static_cast<double>(std::ranges::find(parameter.values, value) - parameter.values.begin());
  }
  const auto* integer = std::get_if<int64_t>(&value);
  const double number = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
  if (parameter.min == parameter.max) return 0;
  if (parameter.scale == Scale::kLinear) return (number - parameter.min) / (parameter.max - parameter.min);
  return std::log(number / parameter.min) / std::log(parameter.max / parameter.min);
}

absl::Status RefuseRow(size_t row, const std::string& why) {
  return absl::InvalidArgumentError(absl::StrCat("configuration ", row, ": ", why));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordedTask>> RecordedTask::Create(StudySpec study, std::vector<RecordedRun> rows) {
  std::unique_ptr<RecordedTask> task(new RecordedTask());
  ATHANOR_ASSIGN_OR_RETURN(task->space_, SearchSpace::Create(study.parameters));
  task->study_ = std::move(study);
  task->rows_ = std::move(rows);
  ATHANOR_RETURN_IF_ERROR(task->CheckRows());
  for (const RecordedRun& row : task->rows_) {
    const std::vector<double> point = task->Locate(row.configuration);
    task->points_.insert(task->points_.end(), point.begin(), point.end());
  }
  task->Measure();
  if (!std::isfinite(task->optimum_)) return absl::InvalidArgumentError("no run has a finite value");
  if (!(task->unit_seconds_ > 0)) return absl::InvalidArgumentError("the runs take no time");
  return task;
}

absl::Status RecordedTask::CheckRows() const {
  if (rows_.empty()) return absl::InvalidArgumentError("there are no configurations");
  const int64_t most = MaxResource(study_);
  for (size_t row = 0; row < rows_.size(); ++row) {
    const RecordedRun& run = rows_[row];
    if (run.configuration.size() != space_.size()) return RefuseRow(row, "has not one value a parameter");
    if (const absl::Status status = space_.Check(run.configuration); !status.ok()) {
      return RefuseRow(row, std::string(status.message()));
    }
    if (run.points.empty()) return RefuseRow(row, "has no curve");
    RunPoint before;
    for (const RunPoint& point : run.points) {
      if (point.step <= before.step || point.step > most) {
        return RefuseRow(row, absl::StrCat("has step ", point.step, " after ", before.step,
                                           "; want steps that grow up to ", most, " at most"));
      }
      if (!(point.seconds >= before.seconds) || !std::isfinite(point.seconds)) {
        return RefuseRow(row, "has training seconds that fall or are no number");
      }
      before = point;
    }
  }
  return absl::OkStatus();
}

void RecordedTask::Measure() {
  const Goal goal = study_.objective().goal;
  std::vector<double> finals;
  double seconds = 0;
  optimum_ = std::numeric_limits<double>::infinity();
  for (const RecordedRun& row : rows_) {
    seconds += row.points.back().seconds;
    finals.push_back(Orient(goal, row.points.back().value));
    for (const RunPoint& point : row.points) optimum_ = std::min(optimum_, Orient(goal, point.value));
  }
  unit_seconds_ = seconds / static_cast<double>(rows_.size());
  std::ranges::sort(finals);
  for (const Share& share : kTargets) {
    const auto place = std::lround(static_cast<double>(finals.size()) * share.of_rows);
    targets_.push_back({share.name, finals[static_cast<size_t>(std::max(place, 1L) - 1)]});
  }
}

std::vector<double> RecordedTask::Locate(const Configuration& configuration) const {
  std::vector<double> point(space_.size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 0; i < point.size(); ++i) {
    if (configuration[i].has_value()) point[i] = Coordinate(space_.parameters()[i], *configuration[i]);
  }
  return point;
}

std::vector<Configuration> RecordedTask::recorded() const {
  std::vector<Configuration> configurations;
  for (const RecordedRun& row : rows_) configurations.push_back(row.configuration);
  return configurations;
}

std::unique_ptr<Play> RecordedTask::NewPlay() const { return std::make_unique<RecordedPlay>(*this); }

}  // namespace athanor
