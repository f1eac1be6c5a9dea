// How a study comes back from the store.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "server/coordinator/live_study.h"
#include "server/core/orientation.h"

namespace athanor {

namespace {

// The objective of a trial at the steps that count, as stored.
absl::StatusOr<std::vector<CurvePointInMemory>> ReadObjectiveCurve(Store& store, const LiveStudy& study,
                                                                   TrialNumber number) {
  ATHANOR_ASSIGN_OR_RETURN(
      const std::vector<MetricCurve> curves,
      store.ReadCurves(study.id(), number, {study.spec().objective().metric}, Archived::kLeaveOut));
  std::vector<CurvePointInMemory> points;
  for (const MetricCurve& curve : curves) {
    for (const CurvePoint& point : curve.points) points.push_back({point.step, point.value, point.elapsed_ms});
  }
  return points;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LiveStudy>> LiveStudy::Load(StudyImage image, Store& store, MonotonicTime now,
                                                           Duration lease, const SearchMethodFactory& create_search) {
  std::unique_ptr<LiveStudy> study(new LiveStudy());
  study->record_ = std::move(image.study);
  study->counted_until_ = now;
  const StudySpec& spec = study->spec();
  const auto searcher = std::make_shared<Searcher>();
  ATHANOR_ASSIGN_OR_RETURN(searcher->space, SearchSpace::Create(spec.parameters));
  ATHANOR_ASSIGN_OR_RETURN(searcher->method, create_search(spec, searcher->space));
  study->searcher_ = searcher;
  ATHANOR_ASSIGN_OR_RETURN(study->rule_, CreateStoppingRule(spec));
  if (study->rule_ != nullptr) study->rungs_ = study->rule_->Rungs();
  study->prior_ = std::move(image.prior);
  for (const PriorTrial& trial : study->prior_) {
    if (trial.source >= 0 && trial.source < static_cast<int64_t>(spec.warm_start.size())) continue;
    return absl::InternalError(absl::StrCat("study ", study->id(), ": a prior trial is of study ", trial.source,
                                            " of the ", spec.warm_start.size(), " that it starts from"));
  }
  study->max_resource_ = MaxResource(spec);

  for (const Checkpoint& checkpoint : image.checkpoints) study->checkpoints_.Add(checkpoint);
  study->trials_ = std::move(image.trials);
  for (const Trial& trial : study->trials_) study->JoinLadder(trial);
  for (const RungEntry& entry : image.rung_entries) study->ladder_.Enter(entry);
  for (size_t i = 0; i < study->trials_.size(); ++i) {
    const Trial& trial = study->trials_[i];
    if (trial.number != static_cast<TrialNumber>(i)) {
      return absl::InternalError(absl::StrCat("study ", study->id(), ": trial ", i, " is missing from the store"));
    }
    study->Index(trial);
  }
  study->next_enqueued_ = image.last_enqueued_id + 1;
  study->enqueued_.assign(std::make_move_iterator(image.enqueued.begin()),
                          std::make_move_iterator(image.enqueued.end()));
  for (auto& [worker, token] : image.last_successes) study->failures_[worker].last_success = token;
  for (StudyImage::FailedAttempt& failed : image.failed_attempts) {
    WorkerFailures& failures = study->failures_[failed.worker];
    if (failed.token > failures.last_success) failures.since.emplace(failed.token, failed.trial);
    const TrialState state = study->trial(failed.trial).state;
    if (!IsFinished(state) || MayBeRetried(state)) study->failed_on_[failed.trial] = std::move(failed.worker);
  }
  ATHANOR_RETURN_IF_ERROR(study->LoadAttempts(image, now, lease));
  ATHANOR_RETURN_IF_ERROR(study->LoadCurves(store));
  return study;
}

void LiveStudy::Index(const Trial& trial) {
  ++counts_[static_cast<size_t>(trial.state)];
  if (trial.finalist && trial.state == TrialState::kRunning) ++running_finalists_;
  if (trial.state == TrialState::kWaiting) waiting_.insert(trial.number);
  if (trial.state == TrialState::kPaused) IndexPause(trial);
  if (trial.state != TrialState::kWaiting && trial.state != TrialState::kRunning) ladder_.Stop(trial.number);
  if (trial.best.has_value()) ranking_.Insert(Oriented(trial.best->value), trial.number);
  if (IsFinished(trial.state)) IndexEnd(trial);
  if (trial.suggestion_index.has_value()) next_suggestion_ = std::max(next_suggestion_, *trial.suggestion_index + 1);
  if (trial.state == TrialState::kCompleted && trial.final.has_value() && trial.final->step >= max_resource_) {
    ++completed_at_max_;
  }
}

absl::Status LiveStudy::LoadAttempts(StudyImage& image, MonotonicTime now, Duration lease) {
  for (Attempt& attempt : image.live_attempts) {
    if (!HasTrial(attempt.trial) || trial(attempt.trial).state != TrialState::kRunning) {
      return absl::InternalError(absl::StrCat("study ", id(), ": attempt ", attempt.token, " is live but trial ",
                                              attempt.trial, " is not RUNNING"));
    }
    LiveAttempt& live = live_.Add(attempt.trial);
    live.expires = now + lease;
    // Whoever holds a lease of a paused study is to be told again, and has its grace again.
    if (record_.state == StudyState::kPaused) live.preempted_at = now;
    for (const Checkpoint& checkpoint : checkpoints(attempt.trial)) {
      if (checkpoint.token == attempt.token) continue;
      live.newest_checkpoint_at_start = std::max(live.newest_checkpoint_at_start, checkpoint.step);
    }
    for (auto& [token, measurements] : image.live_measurements) {
      if (token != attempt.token) continue;
      for (const Measurement& measurement : measurements) live.reported.Add(measurement);
    }
    live.attempt = std::move(attempt);
  }
  if (live_.size() != Count(TrialState::kRunning)) {
    return absl::InternalError(absl::StrCat("study ", id(), ": ", Count(TrialState::kRunning),
                                            " trials are RUNNING but ", live_.size(), " attempts are live"));
  }
  return absl::OkStatus();
}

absl::Status LiveStudy::LoadCurves(Store& store) {
  for (const Trial& trial : trials_) {
    if ((IsFinished(trial.state) && !MayBeRetried(trial.state)) || !trial.final.has_value()) continue;
    ATHANOR_ASSIGN_OR_RETURN(const auto points, ReadObjectiveCurve(store, *this, trial.number));
    LiveAttempt* const live = live_.Find(trial.number);
    CurveInMemory& curve = live == nullptr ? curves_.Make(trial.number).first : live->curve;
    for (const CurvePointInMemory& point : points) AddPoint(curve, point);
  }
  return IsFinished(record_.state) ? absl::OkStatus() : LoadHistory(store);
}

absl::Status LiveStudy::LoadHistory(Store& store) {
  if (history_is_loaded_ || !ComparesWithHistory()) return absl::OkStatus();
  history_is_loaded_ = Count(TrialState::kCompleted) == 0;  // a study that is being created is not in the store yet
  if (history_is_loaded_) return absl::OkStatus();
  ATHANOR_ASSIGN_OR_RETURN(const std::vector<Store::TrialCurve> curves,
                           store.ReadCompletedCurves(id(), spec().objective().metric));
  std::unordered_map<TrialNumber, const Store::TrialCurve*> by_trial;
  for (const Store::TrialCurve& curve : curves) by_trial[curve.trial] = &curve;
  for (const Trial& trial : trials_) {
    if (trial.state != TrialState::kCompleted) continue;
    std::vector<std::pair<int64_t, double>> values;
    if (const auto found = by_trial.find(trial.number); found != by_trial.end()) {
      for (const CurvePoint& point : found->second->points) {
        if (!std::isnan(point.value)) values.emplace_back(point.step, Oriented(point.value));
      }
    }
    history_.Add(trial.number, values);
  }
  history_is_loaded_ = true;
  return absl::OkStatus();
}

}  // namespace athanor
