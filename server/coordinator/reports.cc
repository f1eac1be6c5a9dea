#include "server/coordinator/reports.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "server/coordinator/lifecycle.h"
#include "server/core/orientation.h"

namespace athanor {
namespace {

bool SameValue(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

const Metric* FindMetric(const std::vector<Metric>& metrics, const std::string& name) {
  const auto found = std::ranges::find(metrics, name, &Metric::name);
  return found == metrics.end() ? nullptr : &*found;
}

// For reasons that people read.
std::string AtRung(const StoppingDecision& decision) {
  return decision.rung.has_value() ? absl::StrCat(" at rung ", *decision.rung) : std::string();
}

// The metrics of `measurement` that are not in `known`, which was reported at the same step before.
Measurement OnlyNew(const Measurement& known, const Measurement& measurement) {
  Measurement rest{measurement.step, known.elapsed_ms, {}};
  for (const Metric& metric : measurement.metrics) {
    if (FindMetric(known.metrics, metric.name) == nullptr) rest.metrics.push_back(metric);
  }
  return rest;
}

}  // namespace

Verdict Reports::Report(Transaction& tx, const TrialReport& report) {
  Verdict verdict;
  verdict.lease = report.lease;
  const auto found = state_.FindLease(report.lease);
  if (!found.ok()) {
    verdict.status = found.status();
    return verdict;
  }
  LiveStudy& study = **found;
  const TrialNumber number = report.lease.trial;
  LiveAttempt& live = *study.mutable_live(number);
  live.expires = tx.now.monotonic + state_.options.lease;
  live.unlisted_heartbeats = 0;
  if (report.progress.has_value()) live.progress = report.progress;
  if (report.start.has_value() || !report.measurements.empty()) {
    verdict.status = tx.writable;
    if (verdict.status.ok()) verdict.status = Leases::Start(tx, study, number, report.start);
  }
  for (const Measurement& measurement : report.measurements) {
    if (!verdict.status.ok()) return verdict;
    verdict.status = Check(study, live, measurement);
    if (!verdict.status.ok()) return verdict;
    verdict.step = measurement.step;
    if (const auto known = live.reported.At(measurement.step)) {
      const Measurement fresh = OnlyNew(*known, measurement);
      if (!fresh.metrics.empty()) verdict.action = Decide(tx, study, number, fresh);
    } else if (!measurement.metrics.empty()) {
      verdict.action = Decide(tx, study, number, measurement);
    }
    if (verdict.action != Action::kContinue) return verdict;  // the lease is over
  }
  return verdict;
}

void Reports::Prefetch(const LeaseRef& lease) const {
  const auto study = state_.studies.find(lease.study);
  if (study != state_.studies.end() && study->second->HasTrial(lease.trial)) study->second->Prefetch(lease.trial);
}

absl::Status Reports::Check(const LiveStudy& study, const LiveAttempt& live, const Measurement& measurement) const {
  const auto where = [&] {
    return absl::StrCat("trial ", live.attempt.trial, " of study \"", study.spec().name, "\", step ", measurement.step,
                        ": ");
  };
  if (measurement.step < 1) return absl::InvalidArgumentError(absl::StrCat(where(), "want a step of at least 1"));
  for (size_t i = 0; i < measurement.metrics.size(); ++i) {
    const Metric& metric = measurement.metrics[i];
    if (metric.name.empty() || metric.name.size() > 255) {
      return absl::InvalidArgumentError(absl::StrCat(where(), "want metric names of 1 to 255 bytes"));
    }
    for (size_t j = 0; j < i; ++j) {
      if (measurement.metrics[j].name == metric.name) {
        return absl::InvalidArgumentError(absl::StrCat(where(), "metric ", metric.name, " is given twice"));
      }
    }
  }
  if (const auto known = live.reported.At(measurement.step)) {
    for (const Metric& metric : measurement.metrics) {
      const Metric* before = FindMetric(known->metrics, metric.name);
      if (before != nullptr && !SameValue(before->value, metric.value)) {
        return absl::AlreadyExistsError(
            absl::StrCat(where(), metric.name, " was reported as ", before->value, ", now ", metric.value));
      }
    }
    // Further metrics of an earlier step are welcome, but not its objective: decisions were taken without it.
    const std::string& objective = study.spec().objective().metric;
    const auto& final = study.trial(live.attempt.trial).final;
    if (FindMetric(measurement.metrics, objective) != nullptr && FindMetric(known->metrics, objective) == nullptr &&
        final.has_value() && measurement.step < final->step) {
      return absl::InvalidArgumentError(
          absl::StrCat(where(), objective, " was reported at step ", final->step, " before; steps must ascend"));
    }
    return absl::OkStatus();
  }
  const int64_t resumed = live.attempt.resumed_step.value_or(0);
  if (measurement.step <= resumed) {
    return absl::InvalidArgumentError(absl::StrCat(where(), "the attempt went on from step ", resumed));
  }
  if (!live.reported.empty() && measurement.step < live.reported.last_step()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where(), "steps must ascend; step ", live.reported.last_step(), " was reported before"));
  }
  return absl::OkStatus();
}

// Stores a measurement and, if it holds the objective, does what the rule says. Both commit in one transaction.
Action Reports::Decide(Transaction& tx, LiveStudy& study, TrialNumber number, const Measurement& measurement) {
  const Goal goal = study.spec().objective().goal;
  const Metric* objective = FindMetric(measurement.metrics, study.spec().objective().metric);
  const Trial& trial = study.trial(number);
  TrialValue value;
  if (trial.final.has_value()) value.previous_step = trial.final->step;
  study.AddMeasurement(tx, number, measurement);
  if (objective == nullptr) return Action::kContinue;

  if (ReachesTarget(study.spec(), objective->value)) {
    EndStudy(state_, tx, study, StudyState::kCompleted,
             absl::StrCat("target ", *study.spec().budget.target, " reached by trial ", number, " at step ",
                          measurement.step));
    return Action::kPrune;
  }
  if (study.rule() == nullptr) return Action::kContinue;

  value.trial = number;
  value.bracket = trial.bracket;
  value.finalist = trial.finalist;
  value.step = measurement.step;
  value.value = Orient(goal, objective->value);
  value.best = Orient(goal, trial.best->value);
  value.bests = study.bests(number);
  const StoppingDecision decision = study.rule()->OnValue(study.stopping_view(), value);
  if (decision.recorded) study.RecordDecision(tx, number, {objective->value, measurement.step}, decision);
  study.EnterRungs(tx, number, study.live(number)->attempt.token, decision.entered);
  switch (decision.action) {
    case Action::kContinue:
      return Action::kContinue;
    case Action::kPause:
      EndLease(state_, tx, study, number, AttemptOutcome::kPaused, TrialState::kPaused,
               absl::StrCat("paused", AtRung(decision)));
      break;
    case Action::kPrune:
      EndLease(state_, tx, study, number, AttemptOutcome::kPruned, TrialState::kPruned,
               absl::StrCat(std::string(study.rule()->name()), AtRung(decision), " (step ", measurement.step, ")"));
      break;
  }
  Settle(state_, tx, study);
  return decision.action;
}

}  // namespace athanor
