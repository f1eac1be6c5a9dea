#include "server/check/history_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <utility>

#include "base/status.h"
#include "server/check/facts.h"

namespace athanor {
namespace check {

const AttemptFacts* TrialFacts::Find(Token token) const {
  const auto found = std::ranges::find(attempts, token, [](const AttemptFacts& facts) { return facts.attempt.token; });
  return found == attempts.end() ? nullptr : &*found;
}

std::span<const CurvePoint> TrialFacts::Counting(const std::string& metric) const {
  const auto found = std::ranges::find(counting, metric, &MetricCurve::metric);
  return found == counting.end() ? std::span<const CurvePoint>() : found->points;
}

std::optional<double> ValueAt(const AttemptFacts& attempt, int64_t step, const std::string& metric) {
  const auto at = std::ranges::find(attempt.measurements, step, &Measurement::step);
  if (at == attempt.measurements.end()) return std::nullopt;
  const auto found = std::ranges::find(at->metrics, metric, &Metric::name);
  return found == at->metrics.end() ? std::nullopt : std::optional(found->value);
}

void Findings::OfStudy(std::string what, std::string want, std::string have) const {
  ++counts_.violations;
  found_({study_.id, study_.spec.name, std::nullopt, std::move(what), std::move(want), std::move(have)});
}

void Findings::OfTrial(TrialNumber trial, std::string what, std::string want, std::string have) const {
  ++counts_.violations;
  found_({study_.id, study_.spec.name, trial, std::move(what), std::move(want), std::move(have)});
}

namespace {

// Rows of one trial among those of the study. `rows` are in order of trial, or few enough to be sorted so.
template <typename Row>
std::span<const Row> RowsOf(const std::vector<Row>& rows, TrialNumber trial) {
  const auto range = std::ranges::equal_range(rows, trial, {}, &Row::trial);
  return {range.begin(), range.end()};
}

class Checker {
 public:
  Checker(Store& store, const std::function<void(const Violation&)>& found, const std::stop_token& stop)
      : store_(store), found_(found), stop_(stop) {}

  absl::StatusOr<HistoryCounts> Run() {
    ATHANOR_ASSIGN_OR_RETURN(const std::vector<StudyId> studies, store_.LoadStudyIds());
    for (const StudyId study : studies) ATHANOR_RETURN_IF_ERROR(CheckOne(study));
    return counts_;
  }

 private:
  absl::Status CheckOne(StudyId id) {
    StudyFacts study;
    ATHANOR_ASSIGN_OR_RETURN(study.image, store_.LoadStudy(id));
    ++counts_.studies;
    const Findings found(study.image.study, found_, counts_);
    MakeFromSpec(study, found);
    CheckStudy(study, found);
    // The image has them by bracket and rung first.
    std::ranges::stable_sort(study.image.rung_entries, {}, &RungEntry::trial);
    for (const Trial& trial : study.image.trials) {
      if (stop_.stop_requested()) return absl::CancelledError("the check was stopped");
      ATHANOR_ASSIGN_OR_RETURN(const TrialFacts facts, Read(study, trial));
      CheckTokens(facts, found);
      CheckAttempts(study, facts, found);
      CheckMeasurements(study, facts, found);
      CheckRungs(study, facts, found);
      CheckDecisions(study, facts, found);
    }
    return absl::OkStatus();
  }

  static void MakeFromSpec(StudyFacts& study, const Findings& found) {
    auto space = SearchSpace::Create(study.spec().parameters);
    if (space.ok()) {
      study.space = *std::move(space);
    } else {
      found.OfStudy("parameters", "a search space", std::string(space.status().message()));
    }
    auto rule = CreateStoppingRule(study.spec());
    if (rule.ok()) {
      study.rule = *std::move(rule);
    } else {
      found.OfStudy("early_stopping", "a rule", std::string(rule.status().message()));
    }
  }

  absl::StatusOr<TrialFacts> Read(const StudyFacts& study, const Trial& trial) {
    const StudyId id = study.image.study.id;
    TrialFacts facts{.trial = trial,
                     .attempts = {},
                     .counting = {},
                     .decisions = {},
                     .entries = RowsOf(study.image.rung_entries, trial.number),
                     .checkpoints = RowsOf(study.image.checkpoints, trial.number)};
    ATHANOR_ASSIGN_OR_RETURN(std::vector<Attempt> attempts, store_.ReadAttempts(id, trial.number));
    for (Attempt& attempt : attempts) {
      AttemptFacts& added = facts.attempts.emplace_back();
      added.attempt = std::move(attempt);
      ATHANOR_ASSIGN_OR_RETURN(added.measurements, store_.ReadMeasurements(id, trial.number, added.attempt.token));
      counts_.measurements += static_cast<int64_t>(added.measurements.size());
    }
    ATHANOR_ASSIGN_OR_RETURN(facts.counting, store_.ReadCurves(id, trial.number, {}, Archived::kLeaveOut));
    constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
    ATHANOR_ASSIGN_OR_RETURN(facts.decisions, store_.ReadDecisions(id, trial.number, 0, kAll));
    ++counts_.trials;
    counts_.attempts += static_cast<int64_t>(facts.attempts.size());
    return facts;
  }

  void CheckTokens(const TrialFacts& trial, const Findings& found) {
    for (const AttemptFacts& facts : trial.attempts) {
      const Token token = facts.attempt.token;
      if (tokens_.insert(token).second) continue;
      found.OfTrial(trial.trial.number, fmt::format("attempt {}", token), "a token of its own",
                    "that of an attempt of an earlier trial");
    }
  }

  Store& store_;
  const std::function<void(const Violation&)>& found_;
  const std::stop_token& stop_;
  std::unordered_set<Token> tokens_;
  HistoryCounts counts_;
};

}  // namespace
}  // namespace check

std::string ToString(const Violation& violation) {
  std::string text = fmt::format("study {} \"{}\"", violation.study, violation.study_name);
  if (violation.trial.has_value()) text += fmt::format(", trial {}", *violation.trial);
  return text + fmt::format(": {}: want {}, have {}", violation.what, violation.want, violation.have);
}

absl::StatusOr<HistoryCounts> CheckHistory(Store& store, const std::function<void(const Violation&)>& found,
                                           const std::stop_token& stop) {
  return check::Checker(store, found, stop).Run();
}

}  // namespace athanor
