#include "tests/testing/state_text.h"

#include <algorithm>
#include <map>
#include <span>

#include "absl/strings/str_cat.h"
#include "base/value.h"

namespace athanor::testing {
namespace {

std::string Text(const std::optional<ObjectiveValue>& value) {
  return value.has_value() ? absl::StrCat(value->value, "@", value->step) : "-";
}

std::string Text(const Configuration& configuration) {
  std::string text;
  for (const auto& value : configuration) absl::StrAppend(&text, value.has_value() ? ToString(*value) : "-", ",");
  return text;
}

std::string Text(const Trial& trial) {
  return absl::StrCat("  trial ", trial.number, " ", ToString(trial.state), " reason \"", trial.reason,
                      "\" configuration ", Text(trial.configuration.Unpack()), " index ",
                      trial.suggestion_index.has_value() ? absl::StrCat(*trial.suggestion_index) : "-", " seed ",
                      trial.seed, " bracket ", trial.bracket, trial.finalist ? " finalist" : "", " best ",
                      Text(trial.best), " final ", Text(trial.final), " elapsed ", trial.elapsed_ms, " attempts ",
                      trial.attempts, " stuck ", trial.stuck_failures, " times ",
                      trial.created.time_since_epoch().count(), " ", trial.started.time_since_epoch().count(), " ",
                      trial.ended.time_since_epoch().count(), "\n");
}

std::string Text(const LiveAttempt& live) {
  std::string text = absl::StrCat(
      "  live trial ", live.attempt.trial, " token ", live.attempt.token, " worker ", live.attempt.worker, " resumed ",
      live.attempt.resumed_step.has_value() ? absl::StrCat(*live.attempt.resumed_step) : "-", " reported");
  for (const Measurement& measurement : live.reported.Measurements()) {
    absl::StrAppend(&text, " ", measurement.step, ":");
    std::map<std::string, double> metrics;
    for (const Metric& metric : measurement.metrics) metrics[metric.name] = metric.value;
    for (const auto& [name, value] : metrics) absl::StrAppend(&text, name, "=", value, ",");
  }
  return absl::StrCat(text, "\n");
}

std::string Entries(const OrderStatistics& entries) {
  std::string text;
  for (const auto& [value, trial] : entries) absl::StrAppend(&text, " ", trial, "=", value);
  return text;
}

std::string Rungs(const LiveStudy& study) {
  std::string text;
  if (study.rule() == nullptr) return text;
  const auto rungs = static_cast<int64_t>(study.rule()->Rungs().size());
  for (int64_t bracket = 0; bracket < std::max<int64_t>(study.ladder().brackets(), 1); ++bracket) {
    for (int64_t k = 0; k < rungs; ++k) {
      const Rung& at = study.ladder().rung(bracket, k);
      absl::StrAppend(&text, "  rung ", bracket, "/", k, " entries", Entries(at.entries()), " waiting",
                      Entries(at.waiting()), " passing ", at.passing(), " under way below ",
                      study.ladder().UnderWayBelow(bracket, k), " unselected");
      for (const auto& [trial, pair] : at.unselected())
        absl::StrAppend(&text, " ", trial, "=", pair.first, ">", pair.second);
      absl::StrAppend(&text, "\n");
    }
  }
  if (IsFinished(study.record().state)) return text;  // history is read again should it go on
  const StoppingView view = study.stopping_view();
  absl::StrAppend(&text, "  history of ", view.history.trials(), ":");
  for (int64_t step = 1; step <= study.max_resource(); ++step) {
    absl::StrAppend(&text, " @", step, Entries(view.history.At(step)));
  }
  return absl::StrCat(text, "\n");
}

std::string Checkpoints(const LiveStudy& study, TrialNumber number) {
  std::string text;
  for (const Checkpoint& checkpoint : study.checkpoints(number)) {
    absl::StrAppend(&text, " ", checkpoint.step, "/", checkpoint.token, "/", checkpoint.sha256.substr(56));
  }
  return text.empty() ? text : absl::StrCat("  checkpoints of ", number, text, "\n");
}

std::string Text(const LiveStudy& study) {
  const StudyRecord& record = study.record();
  std::string text = absl::StrCat("study ", study.id(), " ", study.spec().name, " ", ToString(record.state),
                                  " reason \"", record.reason, "\" active ", record.active_ms, " revision ",
                                  record.revision, " ended ", record.ended.time_since_epoch().count(),
                                  " completed at max ", study.completed_at_max(), "\n  waiting");
  for (const TrialNumber number : study.waiting()) absl::StrAppend(&text, " ", number);
  absl::StrAppend(&text, "\n  ranking", Entries(study.ranking()), "\n  enqueued");
  for (const EnqueuedConfiguration& queued : study.enqueued()) {
    absl::StrAppend(&text, " ", queued.id, "=", Text(queued.fixed));
  }
  absl::StrAppend(&text, "\n", Rungs(study));
  for (const Trial& trial : study.trials()) {
    absl::StrAppend(&text, Text(trial), Checkpoints(study, trial.number));
    if (IsFinished(trial.state)) continue;
    if (!study.failed_on(trial.number).empty()) {
      absl::StrAppend(&text, "  failed on ", study.failed_on(trial.number), "\n");
    }
    absl::StrAppend(&text, "  curve of ", trial.number);
    for (const CurvePointInMemory& point : study.curve(trial.number)) {
      absl::StrAppend(&text, " ", point.step, "=", point.value, "/", point.elapsed_ms);
    }
    for (const double best : study.bests(trial.number)) absl::StrAppend(&text, " ", best);
    absl::StrAppend(&text, "\n");
  }
  for (const TrialNumber number : study.live_attempts().Trials()) absl::StrAppend(&text, Text(*study.live(number)));
  return text;
}

}  // namespace

std::string StateText(const State& state) {
  std::string text;
  for (const auto& [id, study] : state.studies) absl::StrAppend(&text, Text(*study));
  for (const auto& [name, worker] : state.workers) {
    absl::StrAppend(&text, "worker ", name, " incarnation ", worker.record.incarnation, " standing ",
                    static_cast<int>(worker.record.standing), " reason \"", worker.record.reason, "\" held");
    for (const LeaseRef& lease : worker.held)
      absl::StrAppend(&text, " ", lease.study, "/", lease.trial, "/", lease.token);
    for (const auto& [id, study] : state.studies) {
      if (study->IsBarred(name)) absl::StrAppend(&text, " barred from ", id);
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace athanor::testing
