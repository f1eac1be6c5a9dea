// study progress
#include "client/cli/study_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "base/status.h"
#include "client/cli/format.h"
#include "client/cli/table.h"
#include "client/cli/verb.h"

namespace athanor::cli {
namespace {

constexpr int kMostPoints = 100'000;  // that the coordinator gives of a curve

bool IsBetter(double value, double than, v1::Goal goal) {
  return goal == v1::GOAL_MINIMIZE ? value < than : value > than;
}

absl::Status AppendReadings(StudyClient& client, const v1::Study& study, const v1::Trial& trial,
                            std::vector<Reading>& readings) {
  if (!trial.has_final_value()) return absl::OkStatus();
  v1::GetCurveRequest request;
  request.set_study(std::to_string(study.id()));
  request.set_number(trial.number());
  request.add_metrics(study.spec().objectives(0).metric());
  request.set_max_points(kMostPoints);
  ATHANOR_ASSIGN_OR_RETURN(const v1::Curve curve, client.GetCurve(request));
  v1::TrialDetail detail;
  if (trial.attempts() > 1) {
    ATHANOR_ASSIGN_OR_RETURN(detail, client.GetTrial(request.study(), trial.number()));
  }
  for (const v1::MetricCurve& metric : curve.metrics()) {
    const std::vector<v1::Attempt> attempts(detail.attempts().begin(), detail.attempts().end());
    const std::vector<Reading> added = ReadingsOf(trial, metric, attempts);
    readings.insert(readings.end(), added.begin(), added.end());
  }
  return absl::OkStatus();
}

Answer ProgressAnswer(const StudyProgress& progress, const v1::Study& study, const Look& look) {
  const std::string steps = StepsName(study);
  Answer answer{.data = Json::array(), .text = "", .ids = {}};
  Table table({{"TRIALS", Align::kRight},
               {Upper(steps), Align::kRight},
               {"TIME", Align::kRight},
               {"BEST", Align::kRight},
               {"TRIAL", Align::kRight},
               {"STEP", Align::kRight}});
  const auto add = [&](const Spent& spent, const Improvement& best) {
    answer.data.push_back({{"trials", spent.trials},
                           {steps, spent.steps},
                           {"seconds", static_cast<double>(spent.ms) / 1000},
                           {"best", best.value},
                           {"trial", best.trial},
                           {"step", best.step}});
    answer.ids.push_back(std::to_string(best.trial));
    table.AddRow({StyledLine(std::to_string(spent.trials)), StyledLine(std::to_string(spent.steps)),
                  StyledLine(FormatDuration(spent.ms)), StyledLine(FormatMetric(best.value)),
                  StyledLine(std::to_string(best.trial)), StyledLine(std::to_string(best.step))});
  };
  for (const Improvement& improvement : progress.improvements) add(improvement.spent, improvement);
  if (progress.improvements.empty()) {
    answer.text = "no value yet\n";
    return answer;
  }
  // Where a curve that is plotted from it has to end.
  if (progress.spent.steps > progress.improvements.back().spent.steps) {
    add(progress.spent, progress.improvements.back());
  }
  answer.text = table.Text(look);
  return answer;
}

absl::Status Show(Session& session, const std::string& name) {
  ATHANOR_ASSIGN_OR_RETURN(const v1::Study study, session.client().GetStudy(name));
  ATHANOR_ASSIGN_OR_RETURN(const StudyProgress progress, ReadProgress(session.client(), study));
  return session.Answer(ProgressAnswer(progress, study, session.look()));
}

}  // namespace

std::string StepsName(const v1::Study& study) {
  return study.spec().resource() == v1::RESOURCE_STEP ? "steps" : "epochs";
}

std::vector<Reading> ReadingsOf(const v1::Trial& trial, const v1::MetricCurve& curve,
                                std::span<const v1::Attempt> attempts) {
  // Training time of the trial when an attempt went on from `step`.
  const auto elapsed_at = [&](int64_t step) -> int64_t {
    const auto after = std::ranges::upper_bound(curve.steps(), step) - curve.steps().begin();
    return after == 0 ? 0 : curve.elapsed_ms(static_cast<int>(after) - 1);
  };
  std::vector<Reading> readings;
  int64_t before = 0;
  for (int i = 0; i < curve.steps_size(); ++i) {
    const int64_t step = curve.steps(i);
    int64_t began_unix_ms = trial.started_unix_ms();
    for (const v1::Attempt& attempt : attempts) {
      if (attempt.resumed_step() >= step) continue;
      began_unix_ms = attempt.started_unix_ms() - elapsed_at(attempt.resumed_step());
    }
    readings.push_back({began_unix_ms + curve.elapsed_ms(i), trial.number(), step, step - before, curve.values(i)});
    before = step;
  }
  return readings;
}

StudyProgress Follow(std::vector<Reading> readings, v1::Goal goal, int64_t created_unix_ms) {
  std::ranges::sort(readings, {},
                    [](const Reading& reading) { return std::tuple(reading.unix_ms, reading.trial, reading.step); });
  StudyProgress progress;
  std::set<int64_t> trials;
  for (const Reading& reading : readings) {
    trials.insert(reading.trial);
    progress.spent.trials = static_cast<int64_t>(trials.size());
    progress.spent.steps += reading.steps;
    progress.spent.ms = reading.unix_ms - created_unix_ms;
    const bool first = progress.improvements.empty();
    if (!std::isfinite(reading.value)) continue;
    if (!first && !IsBetter(reading.value, progress.improvements.back().value, goal)) continue;
    progress.improvements.push_back({progress.spent, reading.value, reading.trial, reading.step});
  }
  return progress;
}

const Improvement* FirstAsGoodAs(const StudyProgress& progress, double value, v1::Goal goal) {
  const auto found = std::ranges::find_if(
      progress.improvements, [&](const Improvement& improvement) { return !IsBetter(value, improvement.value, goal); });
  return found == progress.improvements.end() ? nullptr : &*found;
}

absl::StatusOr<StudyProgress> ReadProgress(StudyClient& client, const v1::Study& study) {
  if (study.spec().objectives_size() == 0) return absl::InternalError("the study has no objective");
  v1::ListTrialsRequest request;
  request.set_study(std::to_string(study.id()));
  request.set_page_size(1000);
  std::vector<Reading> readings;
  ATHANOR_RETURN_IF_ERROR(client.ForEachTrial(
      request, [&](const v1::Trial& trial) { return AppendReadings(client, study, trial, readings); }));
  return Follow(std::move(readings), study.spec().objectives(0).goal(), study.created_unix_ms());
}

void AddStudyProgress(CLI::App* parent, Session& session) {
  auto [verb, study] =
      session.AddVerb<std::string>(parent, "progress",
                                   "Show the best value so far against trials, epochs and time since the submission, "
                                   "a row for each improvement and one for the end",
                                   "athanor study progress fashion-lenet --output csv", Show);
  AddStudyArgument(verb, study);
}

}  // namespace athanor::cli
