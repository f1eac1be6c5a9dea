#include "client/cli/simulate_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "server/rpc/convert_study_spec.h"
#include "server/rpc/convert_value.h"

namespace athanor::cli {
namespace {

// More are thinned by the coordinator.
constexpr int kMaxPoints = 100'000;

absl::StatusOr<Configuration> ConfigurationOf(const v1::Trial& trial, const SearchSpace& space) {
  ATHANOR_ASSIGN_OR_RETURN(const NamedValues values, FromProto(trial.parameters(), "parameters"));
  Configuration configuration(space.size());
  for (size_t i = 0; i < space.size(); ++i) {
    const auto found = values.find(space.parameters()[i].name);
    if (found != values.end()) configuration[i] = found->second;
  }
  return configuration;
}

absl::StatusOr<std::vector<RunPoint>> PointsOf(StudyClient& client, const std::string& study, const v1::Trial& trial,
                                               const std::string& metric) {
  v1::GetCurveRequest request;
  request.set_study(study);
  request.set_number(trial.number());
  request.add_metrics(metric);
  request.set_max_points(kMaxPoints);
  ATHANOR_ASSIGN_OR_RETURN(const v1::Curve curve, client.GetCurve(request));
  std::vector<RunPoint> points;
  for (const v1::MetricCurve& values : curve.metrics()) {
    for (int i = 0; i < values.steps_size(); ++i) {
      // A trial that was resumed elsewhere may have counted its time anew.
      const double before = points.empty() ? 0 : points.back().seconds;
      points.push_back({.step = values.steps(i),
                        .value = values.values(i),
                        .seconds = std::max(before, static_cast<double>(values.elapsed_ms(i)) / 1e3)});
    }
  }
  return points;
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ParseNumbers(const std::string& text, const char* option, int64_t min,
                                                  int64_t max) {
  const auto refuse = [&] {
    return absl::InvalidArgumentError(
        fmt::format("{}: \"{}\"; want numbers from {} to {}, such as 1,3,5-7", option, text, min, max));
  };
  std::vector<int64_t> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](int64_t& value) {
    const auto [after, error] = std::from_chars(at, end, value);
    at = after;
    return error == std::errc() && value >= min && value <= max;
  };
  for (;;) {
    int64_t first = 0;
    if (!number(first)) return refuse();
    int64_t last = first;
    if (at != end && *at == '-' && (++at, !number(last) || last < first)) return refuse();
    for (int64_t value = first; value <= last; ++value) numbers.push_back(value);
    if (at == end) return numbers;
    if (*at++ != ',') return refuse();
  }
}

absl::StatusOr<std::vector<std::unique_ptr<Task>>> BbobTasks(const BbobOptions& options) {
  ATHANOR_ASSIGN_OR_RETURN(const auto functions,
                           ParseNumbers(options.functions, "--bbob", 1, BbobFunction::kFunctions));
  ATHANOR_ASSIGN_OR_RETURN(const auto dimensions, ParseNumbers(options.dimensions, "--dimensions", 2, 1000));
  std::vector<std::unique_ptr<Task>> tasks;
  for (const int64_t size : dimensions) {
    for (const int64_t function : functions) {
      for (int64_t instance = 1; instance <= options.instances; ++instance) {
        ATHANOR_ASSIGN_OR_RETURN(auto task, BbobTask::Create(static_cast<int>(function), static_cast<int>(size),
                                                             static_cast<uint64_t>(instance), options.coordinates));
        tasks.push_back(std::move(task));
      }
    }
  }
  return tasks;
}

absl::StatusOr<RecordedStudy> ReadRecordedStudy(StudyClient& client, const std::string& study) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study wire, client.GetStudy(study));
  ATHANOR_ASSIGN_OR_RETURN(StudySpec spec, FromProto(wire.spec()));
  StudySpec recorded;
  recorded.name = spec.name;
  recorded.objectives = spec.objectives;
  recorded.resource = spec.resource;
  const int64_t steps = MaxResource(spec);
  recorded.parameters = std::move(spec.parameters);
  recorded.trainer[std::string(ResourceOption(spec.resource))] = steps;
  ATHANOR_ASSIGN_OR_RETURN(const SearchSpace space, SearchSpace::Create(recorded.parameters));

  std::vector<RecordedRun> runs;
  RecordedStudy result;
  v1::ListTrialsRequest request;
  request.set_study(study);
  ATHANOR_RETURN_IF_ERROR(client.ForEachTrial(std::move(request), [&](const v1::Trial& trial) -> absl::Status {
    if (!trial.has_final_value()) return absl::OkStatus();
    RecordedRun run;
    ATHANOR_ASSIGN_OR_RETURN(run.configuration, ConfigurationOf(trial, space));
    ATHANOR_ASSIGN_OR_RETURN(run.points, PointsOf(client, study, trial, recorded.objective().metric));
    if (run.points.empty()) return absl::OkStatus();
    if (run.points.back().step < steps) ++result.cut_short;
    runs.push_back(std::move(run));
    return absl::OkStatus();
  }));
  auto task = RecordedTask::Create(std::move(recorded), std::move(runs));
  if (!task.ok()) {
    return absl::FailedPreconditionError(
        fmt::format("study \"{}\" cannot be replayed: {}", wire.spec().name(), std::string(task.status().message())));
  }
  result.task = *std::move(task);
  return result;
}

}  // namespace athanor::cli
