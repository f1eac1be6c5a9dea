// What holds of the measurements of a trial: which of them count, and what they make of the trial's values.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "server/check/facts.h"
#include "server/core/orientation.h"

namespace athanor::check {
namespace {

// A value that an attempt reported.
struct Row {
  int64_t step = 0;
  Token token = 0;
  double value = 0;
  const AttemptFacts* archived_by = nullptr;  // the attempt that went on from before it; null = it counts
};

std::string Show(const std::optional<ObjectiveValue>& value) {
  return value.has_value() ? fmt::format("{} at step {}", value->value, value->step) : "none";
}

bool SameObjective(const std::optional<ObjectiveValue>& a, const std::optional<ObjectiveValue>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a.has_value() || (a->step == b->step && Same(a->value, b->value));
}

// Every row of the trial by metric, then step and token, with what became of it by the steps that later attempts went
// on from.
std::map<std::string, std::vector<Row>> RowsByMetric(const TrialFacts& facts) {
  std::map<std::string, std::vector<Row>> rows;
  // From the last attempt back: the lowest step that any later one went on from.
  int64_t limit = std::numeric_limits<int64_t>::max();
  const AttemptFacts* limited_by = nullptr;
  for (auto attempt = facts.attempts.rbegin(); attempt != facts.attempts.rend(); ++attempt) {
    for (const Measurement& measurement : attempt->measurements) {
      const AttemptFacts* archived_by = measurement.step > limit ? limited_by : nullptr;
      for (const Metric& metric : measurement.metrics) {
        rows[metric.name].push_back({measurement.step, attempt->attempt.token, metric.value, archived_by});
      }
    }
    const auto& resumed = attempt->attempt.resumed_step;
    if (resumed.has_value() && *resumed < limit) {
      limit = *resumed;
      limited_by = &*attempt;
    }
  }
  for (auto& [metric, all] : rows) {
    std::ranges::sort(
        all, [](const Row& a, const Row& b) { return std::pair(a.step, a.token) < std::pair(b.step, b.token); });
  }
  return rows;
}

// Of rows at one step, those that should count against those that do. Training again may well have given the same
// value, so it takes the whole step to tell. Returns whether they agree.
bool CheckStep(const TrialFacts& facts, const std::string& metric, std::span<const Row> rows,
               std::span<const CurvePoint> counting, const Findings& found) {
  const auto name = [&](const Row& row) {
    return fmt::format("{} at step {} of attempt {}", metric, row.step, row.token);
  };
  std::vector<const Row*> wanted, archived;
  for (const Row& row : rows) (row.archived_by == nullptr ? wanted : archived).push_back(&row);
  const auto matches = [](const CurvePoint& point, const Row* row) { return Same(point.value, row->value); };
  if (std::ranges::equal(counting, wanted, matches)) return true;
  if (counting.size() < wanted.size()) {
    found.OfTrial(facts.trial.number, name(*wanted[counting.size()]),
                  "it counts: no later attempt went on from before it", "archived");
  } else if (!archived.empty()) {
    const AttemptFacts& later = *archived.front()->archived_by;
    found.OfTrial(
        facts.trial.number, name(*archived.front()),
        fmt::format("archived: attempt {} went on from step {}", later.attempt.token, *later.attempt.resumed_step),
        "it counts");
  } else {
    found.OfTrial(facts.trial.number, name(rows.front()), fmt::format("{}", rows.front().value), "another value");
  }
  return false;
}

// Step by step; the first difference is told.
void CheckMetric(const TrialFacts& facts, const std::string& metric, const std::vector<Row>& rows,
                 const Findings& found) {
  std::span<const CurvePoint> counting = facts.Counting(metric);
  for (auto row = rows.begin(); row != rows.end();) {
    const int64_t step = row->step;
    const auto end = std::find_if(row, rows.end(), [step](const Row& other) { return other.step != step; });
    const auto points = std::ranges::find_if(counting, [step](const CurvePoint& point) { return point.step != step; });
    const auto count = static_cast<size_t>(points - counting.begin());
    if (!CheckStep(facts, metric, {row, end}, counting.first(count), found)) return;
    if (count > 1) {
      found.OfTrial(facts.trial.number, fmt::format("{} at step {}", metric, step), "one row that counts",
                    fmt::format("{}", count));
      return;
    }
    counting = counting.subspan(count);
    row = end;
  }
}

void CheckStarts(const TrialFacts& facts, const Findings& found) {
  for (const AttemptFacts& one : facts.attempts) {
    if (one.measurements.empty()) continue;
    const std::string what = fmt::format("attempt {}", one.attempt.token);
    if (!one.attempt.resumed_step.has_value()) {
      found.OfTrial(facts.trial.number, what, "a resumed_step before its first measurement", "none");
    } else if (one.measurements.front().step <= *one.attempt.resumed_step) {
      found.OfTrial(facts.trial.number, what,
                    fmt::format("measurements past step {} that it went on from", *one.attempt.resumed_step),
                    fmt::format("one at step {}", one.measurements.front().step));
    }
  }
}

}  // namespace

void CheckMeasurements(const StudyFacts& study, const TrialFacts& facts, const Findings& found) {
  CheckStarts(facts, found);
  for (const auto& [metric, rows] : RowsByMetric(facts)) CheckMetric(facts, metric, rows, found);

  const Goal goal = study.objective().goal;
  std::optional<ObjectiveValue> best, final;
  int64_t elapsed_ms = 0;
  for (const CurvePoint& point : facts.Counting(study.objective().metric)) {
    if (!best.has_value() || Orient(goal, point.value) < Orient(goal, best->value)) {
      best = ObjectiveValue{point.value, point.step};
    }
    final = ObjectiveValue{point.value, point.step};
    elapsed_ms = point.elapsed_ms;
  }
  const Trial& trial = facts.trial;
  if (!SameObjective(trial.best, best)) found.OfTrial(trial.number, "best_value", Show(best), Show(trial.best));
  if (!SameObjective(trial.final, final)) found.OfTrial(trial.number, "final_value", Show(final), Show(trial.final));
  if (trial.elapsed_ms != elapsed_ms) {
    found.OfTrial(trial.number, "elapsed_ms", fmt::format("{}", elapsed_ms), fmt::format("{}", trial.elapsed_ms));
  }
  if (trial.state == TrialState::kCompleted && !final.has_value()) {
    found.OfTrial(trial.number, "state", "FAILED: it ended without a value of the objective", "COMPLETED");
  }
}

}  // namespace athanor::check
