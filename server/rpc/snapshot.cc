#include "server/rpc/snapshot.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "server/rpc/convert_study.h"
#include "server/rpc/convert_worker.h"
#include "server/rpc/study_calls.h"

namespace athanor {
namespace {

template <typename Points>
v1::SparseCurve Thin(TrialNumber trial, const Points& points) {
  v1::SparseCurve curve;
  curve.set_trial_number(trial);
  for (const size_t i : ThinnedIndices(points.size(), SnapshotDraft::kMaxCurvePoints)) {
    curve.add_steps(points[i].step);
    curve.add_values(points[i].value);
  }
  return curve;
}

// How much of its way an unfinished trial has gone, in [0, 1].
double FractionDone(const LiveStudy& study, const Trial& trial) {
  const auto until = static_cast<double>(std::max<int64_t>(study.UntilStep(trial), 1));
  const double reported = trial.final.has_value() ? static_cast<double>(trial.final->step) / until : 0;
  return std::clamp(reported, 0.0, 1.0);
}

absl::Status AddFinishedCurves(Store& store, const SnapshotDraft& draft, WatchCursor& cursor,
                               v1::StudySnapshot& snapshot) {
  std::map<TrialNumber, v1::SparseCurve> kept;
  for (const TrialNumber trial : draft.finished_leaders) {
    const auto known = cursor.finished_curves.find(trial);
    if (known != cursor.finished_curves.end()) {
      kept.insert(cursor.finished_curves.extract(known));
    } else {
      ATHANOR_ASSIGN_OR_RETURN(const auto curves,
                               store.ReadCurves(snapshot.study().id(), trial, {draft.metric}, Archived::kLeaveOut));
      if (curves.empty()) continue;
      kept[trial] = Thin(trial, curves.front().points);
    }
    *snapshot.add_curves() = kept[trial];
  }
  cursor.finished_curves = std::move(kept);
  return absl::OkStatus();
}

}  // namespace

std::optional<int64_t> EstimateTimeLeft(const LiveStudy& study) {
  const auto total = study.TrialsTotal();
  if (study.record().state != StudyState::kActive || !total.has_value()) return std::nullopt;
  double done = 0;
  for (const TrialState state : {TrialState::kPaused, TrialState::kCompleted, TrialState::kPruned, TrialState::kFailed,
                                 TrialState::kInfeasible, TrialState::kCancelled}) {
    done += static_cast<double>(study.Count(state));
  }
  for (const TrialNumber number : study.live_attempts().Trials()) done += FractionDone(study, study.trial(number));
  const auto active_ms = static_cast<double>(study.record().active_ms);
  if (done <= 0 || active_ms <= 0) return std::nullopt;
  double left = std::max(0.0, active_ms / done * (static_cast<double>(*total) - done));
  if (const auto& limit = study.spec().budget.wall_clock_ms) {
    left = std::min(left, std::max(0.0, static_cast<double>(*limit) - active_ms));
  }
  return static_cast<int64_t>(left);
}

SnapshotDraft DraftSnapshot(Coordinator& coordinator, const LiveStudy& study, int top, MonotonicTime now) {
  SnapshotDraft draft;
  draft.metric = study.spec().objective().metric;
  draft.finished = IsFinished(study.record().state);
  v1::StudySnapshot& snapshot = draft.snapshot;
  *snapshot.mutable_study() = StudyNow(coordinator, study, now);
  std::set<TrialNumber> curves;
  std::set<std::string> workers;
  for (const TrialNumber number : study.live_attempts().Trials()) {
    if (snapshot.running_size() == SnapshotDraft::kMaxRunning) break;
    *snapshot.add_running() = TrialToProto(study, number);
    curves.insert(number);
    workers.insert(study.live(number)->attempt.worker);
  }
  for (const auto& [value, number] : study.ranking()) {
    if (snapshot.leaders_size() == top) break;
    *snapshot.add_leaders() = TrialToProto(study, number);
    if (IsFinished(study.trial(number).state)) {
      draft.finished_leaders.push_back(number);
    } else {
      curves.insert(number);
    }
  }
  for (const TrialNumber number : curves) {
    if (!study.curve(number).empty()) *snapshot.add_curves() = Thin(number, study.curve(number));
  }
  const State& state = coordinator.state();
  for (const std::string& name : workers) {
    const auto worker = state.workers.find(name);
    if (worker != state.workers.end()) *snapshot.add_workers() = ToProto(state, worker->second, now);
  }
  if (const auto left = EstimateTimeLeft(study)) snapshot.set_eta_ms(*left);
  return draft;
}

absl::StatusOr<v1::StudySnapshot> CompleteSnapshot(Store& store, SnapshotDraft draft, WatchCursor& cursor) {
  v1::StudySnapshot snapshot = std::move(draft.snapshot);
  ATHANOR_ASSIGN_OR_RETURN(
      const auto decisions,
      store.ReadDecisions(snapshot.study().id(), std::nullopt, cursor.decisions_after, SnapshotDraft::kMaxDecisions));
  for (const DecisionRecord& decision : decisions) *snapshot.add_decisions() = ToProto(decision);
  if (!decisions.empty()) cursor.decisions_after = decisions.back().revision;
  cursor.more_decisions = decisions.size() >= SnapshotDraft::kMaxDecisions;
  ATHANOR_RETURN_IF_ERROR(AddFinishedCurves(store, draft, cursor, snapshot));
  return snapshot;
}

}  // namespace athanor
