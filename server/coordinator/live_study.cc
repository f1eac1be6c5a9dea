#include "server/coordinator/live_study.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/prefetch.h"
#include "base/status.h"
#include "server/core/orientation.h"

namespace athanor {

double LiveStudy::Oriented(double value) const { return Orient(spec().objective().goal, value); }

const CurveInMemory* LiveStudy::FindCurve(TrialNumber number) const {
  if (const LiveAttempt* attempt = live(number)) return &attempt->curve;
  return curves_.Find(number);
}

std::span<const CurvePointInMemory> LiveStudy::curve(TrialNumber number) const {
  const CurveInMemory* const curve = FindCurve(number);
  return curve == nullptr ? std::span<const CurvePointInMemory>() : curve->points;
}

std::span<const double> LiveStudy::bests(TrialNumber number) const {
  const CurveInMemory* const curve = FindCurve(number);
  return curve == nullptr ? std::span<const double>() : curve->bests;
}

void LiveStudy::Prefetch(TrialNumber number) const {
  athanor::Prefetch<TrialStatus>(trial(number));  // reports look at nothing else of it
  ladder_.Prefetch(number);
  if (const LiveAttempt* attempt = live(number)) athanor::Prefetch(*attempt);
}

const std::string& LiveStudy::failed_on(TrialNumber number) const {
  static const std::string kNobody;
  const auto found = failed_on_.find(number);
  return found == failed_on_.end() ? kNobody : found->second;
}

bool LiveStudy::IsBarred(const std::string& worker) const {
  const auto found = failures_.find(worker);
  if (found == failures_.end() || found->second.since.size() < 3) return false;
  const auto& since = found->second.since;
  return std::ranges::any_of(since, [&](const auto& failure) { return failure.second != since.begin()->second; });
}

int64_t LiveStudy::UntilStep(const Trial& trial) const {
  const auto index = space().IndexOf(ResourceOption(spec().resource));
  if (!index.has_value()) return max_resource_;
  const auto& value = trial.configuration[*index];
  const auto* length = value.has_value() ? std::get_if<int64_t>(&*value) : nullptr;
  return length == nullptr ? max_resource_ : std::min(*length, max_resource_);
}

std::optional<int64_t> LiveStudy::TrialsTotal() const {
  if (spec().budget.trials.has_value()) return spec().budget.trials;
  return searcher_->method->Count();
}

bool LiveStudy::MayCreateTrial() const {
  const auto total = TrialsTotal();
  return !total.has_value() || static_cast<int64_t>(trials_.size()) < *total;
}

// ---- The study ----

void LiveStudy::Touch(Transaction& tx) {
  tx.touched_studies.insert(record_.id);
  ++record_.revision;
  dirty_ = true;
}

void LiveStudy::TouchTrial(Transaction& tx, TrialNumber number) {
  Touch(tx);
  if (dirty_trials_.empty() || dirty_trials_.back() != number) dirty_trials_.push_back(number);
}

void LiveStudy::SetState(Transaction& tx, StudyState state, std::string reason) {
  CountActiveTime(tx);
  counted_until_ = tx.now.monotonic;
  record_.state = state;
  record_.reason = std::move(reason);
  record_.ended = IsFinished(state) ? tx.now.wall : WallTime{};
  Touch(tx);
}

int64_t LiveStudy::ActiveMs(MonotonicTime now) const {
  if (record_.state != StudyState::kActive) return record_.active_ms;
  return record_.active_ms + std::chrono::floor<std::chrono::milliseconds>(now - counted_until_).count();
}

void LiveStudy::CountActiveTime(Transaction& tx) {
  const int64_t passed_ms = ActiveMs(tx.now.monotonic) - record_.active_ms;
  if (passed_ms == 0) return;
  record_.active_ms += passed_ms;
  counted_until_ += std::chrono::milliseconds(passed_ms);
  tx.touched_studies.insert(record_.id);
  dirty_ = true;
}

int64_t LiveStudy::Enqueue(Transaction& tx, Configuration fixed) {
  EnqueuedConfiguration configuration{next_enqueued_++, std::move(fixed)};
  tx.changes.emplace_back(PushEnqueued{record_.id, configuration});
  enqueued_.push_back(std::move(configuration));
  Touch(tx);
  return static_cast<int64_t>(enqueued_.size()) - 1;
}

void LiveStudy::Update(Transaction& tx, const BudgetOptions& budget, int64_t priority) {
  record_.spec.budget = budget;
  record_.spec.priority = priority;
  Touch(tx);
}

void LiveStudy::Flush(Transaction& tx) {
  std::ranges::sort(dirty_trials_);
  dirty_trials_.erase(std::unique(dirty_trials_.begin(), dirty_trials_.end()), dirty_trials_.end());
  for (const TrialNumber number : dirty_trials_) tx.changes.emplace_back(UpdateTrial{record_.id, trial(number)});
  dirty_trials_.clear();
  if (dirty_) tx.changes.emplace_back(PutStudy{record_});
  dirty_ = false;
}

// ---- Trials ----

void LiveStudy::MoveTrial(TrialNumber number, TrialState next) {
  Trial& trial = mutable_trial(number);
  --counts_[static_cast<size_t>(trial.state)];
  ++counts_[static_cast<size_t>(next)];
  if (trial.finalist) running_finalists_ += (next == TrialState::kRunning) - (trial.state == TrialState::kRunning);
  if (trial.state == TrialState::kWaiting) waiting_.erase(number);
  if (next == TrialState::kWaiting) waiting_.insert(number);
  if (trial.state == TrialState::kPaused) {
    ladder_.StopWaiting(LadderOf(trial), ladder_.HighestRung(number), number);
  }
  if (next == TrialState::kWaiting || next == TrialState::kRunning) {
    ladder_.Start(number);
  } else {
    ladder_.Stop(number);
  }
  checkpoints_.Resume(number);
  if (IsFinished(trial.state) && trial.best.has_value()) {  // a retry
    ended_ranking_.Erase(Oriented(trial.best->value), number);
  }
  trial.state = next;
  if (next == TrialState::kPaused) IndexPause(trial);
  if (IsFinished(next)) IndexEnd(trial);
}

void LiveStudy::IndexEnd(const Trial& trial) {
  if (trial.best.has_value()) ended_ranking_.Insert(Oriented(trial.best->value), trial.number);
  if (MayBeRetried(trial.state)) checkpoints_.End(trial.number);
}

void LiveStudy::IndexPause(const Trial& trial) {
  const int64_t rung = ladder_.HighestRung(trial.number);
  ladder_.Wait(LadderOf(trial), rung, trial.number);
  const auto value = this->rung(trial, rung).ValueOf(trial.number);
  checkpoints_.Pause(trial.number, rung, value.value_or(std::numeric_limits<double>::infinity()));
}

void LiveStudy::StartAttempt(Transaction& tx, TrialNumber number, const Holder& holder) {
  Trial& trial = mutable_trial(number);
  MoveTrial(number, TrialState::kRunning);
  ++trial.attempts;
  if (trial.started == WallTime{}) trial.started = tx.now.wall;
  LiveAttempt& live = live_.Add(number);
  live.attempt.token = holder.token;
  live.attempt.trial = number;
  live.attempt.worker = holder.worker;
  live.attempt.acquire_sequence = holder.acquire_sequence;
  live.attempt.started = tx.now.wall;
  live.expires = holder.expires;
  if (const auto& kept = checkpoints(number); !kept.empty()) live.newest_checkpoint_at_start = kept.front().step;
  if (CurveInMemory* const curve = curves_.Find(number)) {
    live.curve = std::move(*curve);
    curves_.Erase(number);
  }
  tx.changes.emplace_back(InsertAttempt{record_.id, live.attempt});
  TouchTrial(tx, number);
}

void LiveStudy::ResumeAttempt(Transaction& tx, TrialNumber number, int64_t resumed_step, Environment environment) {
  LiveAttempt& live = *live_.Find(number);
  live.attempt.resumed_step = resumed_step;
  if (environment != Environment()) {
    live.attempt.environment = std::make_shared<const Environment>(std::move(environment));
  }
  tx.changes.emplace_back(UpdateAttempt{record_.id, live.attempt});
  TouchTrial(tx, number);
  Trial& trial = mutable_trial(number);
  // Rows past the step may exist without an objective value, so the store is told whatever the curve says.
  if (trial.attempts > 1)
    tx.changes.emplace_back(ArchiveMeasurements{record_.id, number, resumed_step, live.attempt.token});
  // A checkpoint past the step could not be used, and would lead on from rows that no longer count.
  for (const Checkpoint& checkpoint : std::vector(checkpoints(number))) {
    if (checkpoint.step > resumed_step && checkpoint.token != live.attempt.token) RemoveCheckpoint(tx, checkpoint);
  }
  if (!trial.final.has_value() || trial.final->step <= resumed_step) return;

  std::vector<CurvePointInMemory> kept = std::move(live.curve.points);
  std::erase_if(kept, [&](const CurvePointInMemory& point) { return point.step > resumed_step; });
  ranking_.Erase(Oriented(trial.best->value), number);
  trial.best.reset();
  trial.final.reset();
  trial.elapsed_ms = 0;
  live.curve = {};
  for (const CurvePointInMemory& point : kept) AddValue(trial, live.curve, point);
}

void LiveStudy::AddValue(Trial& trial, CurveInMemory& curve, const CurvePointInMemory& point) {
  const double oriented = Oriented(point.value);
  if (!trial.best.has_value() || oriented < Oriented(trial.best->value)) {
    if (trial.best.has_value()) ranking_.Erase(Oriented(trial.best->value), trial.number);
    trial.best = ObjectiveValue{point.value, point.step};
    ranking_.Insert(oriented, trial.number);
  }
  trial.final = ObjectiveValue{point.value, point.step};
  trial.elapsed_ms = point.elapsed_ms;
  AddPoint(curve, point);
}

void LiveStudy::AddPoint(CurveInMemory& curve, const CurvePointInMemory& point) const {
  curve.points.push_back(point);
  if (rule_ == nullptr || !rule_->ComparesWithItself()) return;
  const double value = Oriented(point.value);
  curve.bests.push_back(curve.bests.empty() ? value : std::min(value, curve.bests.back()));
}

void LiveStudy::JoinLadder(const Trial& trial) {
  if (!rungs_.empty()) ladder_.Join(LadderOf(trial), trial.number, rule_->FirstRung(trial.bracket));
}

void LiveStudy::AddMeasurement(Transaction& tx, TrialNumber number, const Measurement& measurement) {
  LiveAttempt& live = *live_.Find(number);
  tx.changes.emplace_back(athanor::AddMeasurement{record_.id, number, live.attempt.token, measurement});
  live.reported.Add(measurement);
  for (const Metric& metric : measurement.metrics) {
    if (metric.name != spec().objective().metric) continue;
    AddValue(mutable_trial(number), live.curve, {measurement.step, metric.value, measurement.elapsed_ms});
  }
  TouchTrial(tx, number);
}

void LiveStudy::RecordDecision(Transaction& tx, TrialNumber number, const ObjectiveValue& value,
                               const StoppingDecision& decision) {
  Touch(tx);
  DecisionRecord record;
  record.revision = record_.revision;
  record.trial = number;
  record.token = live_.Find(number)->attempt.token;
  record.step = value.step;
  record.rule = std::string(rule_->name());
  record.rung = decision.rung;
  record.value = value.value;
  record.bound = Unoriented(decision.bound);
  record.n = decision.n;
  record.action = decision.action;
  tx.changes.emplace_back(AddDecision{record_.id, std::move(record)});
}

void LiveStudy::RecordPromotion(Transaction& tx, const Promotion& promotion) {
  StoppingDecision decision;
  decision.rung = promotion.from_rung;
  decision.bound = promotion.bound;
  decision.n = promotion.n;
  RecordDecision(tx, promotion.trial, {Unoriented(promotion.value), rungs_[static_cast<size_t>(promotion.from_rung)]},
                 decision);
}

double LiveStudy::Unoriented(double oriented) const {
  return std::isnan(oriented) ? oriented : Unorient(spec().objective().goal, oriented);
}

void LiveStudy::EnterRungs(Transaction& tx, TrialNumber number, Token token, const std::vector<EnteredRung>& entered) {
  for (const EnteredRung& rung : entered) {
    const RungEntry entry{LadderOf(trial(number)), rung.rung, number, rung.value, token, false};
    ladder_.Enter(entry);
    tx.changes.emplace_back(PutRungEntry{record_.id, entry});
  }
  if (!entered.empty()) Touch(tx);
}

void LiveStudy::EndAttempt(Transaction& tx, TrialNumber number, AttemptOutcome outcome, TrialState next,
                           std::string reason) {
  LiveAttempt& live = *live_.Find(number);
  UpdateAttempt update{record_.id, std::move(live.attempt)};
  if (!live.curve.points.empty()) curves_.Make(number).first = std::move(live.curve);
  live_.Remove(number);
  update.attempt.ended = tx.now.wall;
  update.attempt.outcome = outcome;
  std::string trial_reason = IsFinished(next) ? reason : std::string();
  update.attempt.reason = std::move(reason);
  tx.changes.emplace_back(std::move(update));
  SetTrialState(tx, number, next, std::move(trial_reason));
}

void LiveStudy::SetTrialState(Transaction& tx, TrialNumber number, TrialState next, std::string reason) {
  MoveTrial(number, next);
  Trial& trial = mutable_trial(number);
  trial.reason = std::move(reason);
  TouchTrial(tx, number);
  if (!IsFinished(next)) return;
  trial.ended = tx.now.wall;
  if (next == TrialState::kCompleted) {
    if (ComparesWithHistory()) AddToHistory(number);
    if (trial.final.has_value() && trial.final->step >= max_resource_) ++completed_at_max_;
  }
  if (MayBeRetried(next)) return;
  curves_.Erase(number);
  failed_on_.erase(number);
}

void LiveStudy::AddToHistory(TrialNumber number) {
  std::vector<std::pair<int64_t, double>> values;
  for (const CurvePointInMemory& point : curve(number)) {
    if (!std::isnan(point.value)) values.emplace_back(point.step, Oriented(point.value));
  }
  history_.Add(number, values);
}

void LiveStudy::CountFailure(Transaction& tx, TrialNumber number, Token trusted_from) {
  const LiveAttempt& live = *live_.Find(number);
  const auto& kept = checkpoints(number);
  const int64_t newest = kept.empty() ? 0 : kept.front().step;
  Trial& trial = mutable_trial(number);
  if (newest <= live.newest_checkpoint_at_start) ++trial.stuck_failures;
  failed_on_[number] = live.attempt.worker;
  WorkerFailures& failures = failures_[live.attempt.worker];
  if (live.attempt.token > failures.last_success && live.attempt.token >= trusted_from) {
    failures.since.emplace(live.attempt.token, number);
  }
  TouchTrial(tx, number);
}

void LiveStudy::CountSuccess(const std::string& worker, Token token) {
  WorkerFailures& failures = failures_[worker];
  failures.last_success = std::max(failures.last_success, token);
  Forgive(failures, failures.last_success);
}

bool LiveStudy::ForgiveFailures(const std::string& worker, Token trusted_from) {
  const auto found = failures_.find(worker);
  return found != failures_.end() && Forgive(found->second, trusted_from);
}

// Whether there was anything to forgive.
bool LiveStudy::Forgive(WorkerFailures& failures, Token trusted_from) {
  return std::erase_if(failures.since, [&](const auto& failure) { return failure.first < trusted_from; }) > 0;
}

void LiveStudy::Resume(Transaction& tx, const Promotion& promotion, Resumption kind) {
  Trial& trial = mutable_trial(promotion.trial);
  if (kind == Resumption::kFinalist) trial.finalist = true;
  MoveTrial(promotion.trial, TrialState::kWaiting);
  if (const Rung::Entry* entry = rung(trial, promotion.from_rung).EntryOf(promotion.trial)) {
    tx.changes.emplace_back(PutRungEntry{
        record_.id, {LadderOf(trial), promotion.from_rung, promotion.trial, entry->value, entry->token, true}});
  }
  TouchTrial(tx, promotion.trial);
}

void LiveStudy::Retry(Transaction& tx, TrialNumber number) {
  Trial& trial = mutable_trial(number);
  MoveTrial(number, TrialState::kWaiting);
  trial.stuck_failures = 0;
  trial.reason.clear();
  trial.ended = WallTime{};
  TouchTrial(tx, number);
}

void LiveStudy::PutFinalMetrics(Transaction& tx, TrialNumber number, std::vector<Metric> metrics) {
  tx.changes.emplace_back(athanor::PutFinalMetrics{record_.id, number, std::move(metrics)});
  Touch(tx);
}

void LiveStudy::AddCheckpoint(Transaction& tx, const Checkpoint& checkpoint) {
  tx.changes.emplace_back(athanor::AddCheckpoint{record_.id, checkpoint});
  checkpoints_.Add(checkpoint);
  Touch(tx);
}

void LiveStudy::RemoveCheckpoint(Transaction& tx, const Checkpoint& checkpoint) {
  tx.changes.emplace_back(athanor::RemoveCheckpoint{record_.id, checkpoint});
  checkpoints_.Remove(checkpoint);
  Touch(tx);
}

}  // namespace athanor
