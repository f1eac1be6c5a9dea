#include "server/store/memory_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/status.h"
#include "server/store/describe.h"
#include "server/store/memory_tables.h"

namespace athanor {

namespace {

using memory::AttemptRow;
using memory::StudyRow;
using memory::TrialRow;

// By step, then metric name; elapsed_ms of a step is the largest of its metrics.
std::vector<Measurement> MeasurementsOf(const AttemptRow& attempt) {
  std::map<int64_t, Measurement> steps;
  for (const auto& [name, curve] : attempt.metrics) {
    for (const auto& [step, row] : curve) {
      Measurement& measurement = steps[step];
      measurement.step = step;
      measurement.elapsed_ms = std::max(measurement.elapsed_ms, row.elapsed_ms);
      measurement.metrics.push_back({name, row.value});
    }
  }
  std::vector<Measurement> measurements;
  for (auto& [step, measurement] : steps) measurements.push_back(std::move(measurement));
  return measurements;
}

// The trial's curves by metric name, each by step, then token.
std::map<std::string, std::vector<CurvePoint>> CurvesOf(const TrialRow& trial, Archived archived) {
  std::map<std::string, std::vector<CurvePoint>> curves;
  for (const auto& [token, attempt] : trial.attempts) {
    for (const auto& [name, curve] : attempt.metrics) {
      for (const auto& [step, row] : curve) {
        const bool counts = !attempt.archived_after.has_value() || step <= *attempt.archived_after;
        if (counts || archived == Archived::kInclude) curves[name].push_back({step, row.value, row.elapsed_ms});
      }
    }
  }
  for (auto& [name, points] : curves) {
    std::stable_sort(points.begin(), points.end(),
                     [](const CurvePoint& a, const CurvePoint& b) { return a.step < b.step; });
  }
  return curves;
}

}  // namespace

struct MemoryStore::Rep {
  Mutex mutex;
  absl::Status commit_status ATHANOR_GUARDED_BY(mutex);
  memory::Tables tables ATHANOR_GUARDED_BY(mutex);

  absl::StatusOr<const StudyRow*> Study(StudyId id) const ATHANOR_REQUIRES(mutex) {
    const auto found = tables.studies.find(id);
    if (found == tables.studies.end()) return absl::NotFoundError(absl::StrCat("no study ", id));
    return &found->second;
  }

  absl::StatusOr<const TrialRow*> TrialOf(StudyId study, TrialNumber number) const ATHANOR_REQUIRES(mutex) {
    ATHANOR_ASSIGN_OR_RETURN(const StudyRow* row, Study(study));
    const auto found = row->trials.find(number);
    if (found == row->trials.end()) {
      return absl::NotFoundError(absl::StrCat("no trial ", number, " of study ", study));
    }
    return &found->second;
  }
};

MemoryStore::MemoryStore() : rep_(std::make_unique<Rep>()) {}
MemoryStore::~MemoryStore() = default;

void MemoryStore::SetCommitStatus(absl::Status status) {
  const MutexLock lock(rep_->mutex);
  rep_->commit_status = std::move(status);
}

absl::Status MemoryStore::Commit(const ChangeBatch& batch) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_RETURN_IF_ERROR(rep_->commit_status);
  memory::UndoLog undo;
  for (const Change& change : batch) {
    const absl::Status status = memory::Apply(change, rep_->tables, undo);
    if (status.ok()) continue;
    for (auto step = undo.rbegin(); step != undo.rend(); ++step) (*step)();
    return absl::Status(status.code(), absl::StrCat(Describe(change), ": ", status.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StudyId>> MemoryStore::LoadStudyIds() {
  const MutexLock lock(rep_->mutex);
  std::vector<StudyId> ids;
  for (const auto& [id, study] : rep_->tables.studies) ids.push_back(id);
  return ids;
}

absl::StatusOr<StudyImage> MemoryStore::LoadStudy(StudyId study) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_ASSIGN_OR_RETURN(const StudyRow* row, rep_->Study(study));
  StudyImage image;
  image.study = row->record;
  std::map<Token, const AttemptRow*> live;
  for (const auto& [number, trial] : row->trials) {
    image.trials.push_back(trial.trial);
    for (const auto& [token, attempt] : trial.attempts) {
      if (attempt.attempt.outcome == AttemptOutcome::kLive) live[token] = &attempt;
      if (attempt.attempt.outcome == AttemptOutcome::kFailed) {
        image.failed_attempts.push_back({token, number, attempt.attempt.worker});
      }
      if (IsSuccess(attempt.attempt.outcome)) {
        Token& last = image.last_successes[attempt.attempt.worker];
        last = std::max(last, token);
      }
    }
  }
  std::ranges::sort(image.failed_attempts, {}, &StudyImage::FailedAttempt::token);
  for (const auto& [token, attempt] : live) {
    image.live_attempts.push_back(attempt->attempt);
    std::vector<Measurement> measurements = MeasurementsOf(*attempt);
    if (!measurements.empty()) image.live_measurements.push_back({token, std::move(measurements)});
  }
  for (const auto& [key, entry] : row->rung_entries) image.rung_entries.push_back(entry);
  for (const auto& [key, checkpoint] : row->checkpoints) image.checkpoints.push_back(checkpoint);
  for (const auto& [id, configuration] : row->enqueued) image.enqueued.push_back(configuration);
  image.last_enqueued_id = row->last_enqueued_id;
  for (const auto& [position, trial] : row->prior) image.prior.push_back(trial);
  return image;
}

absl::StatusOr<std::vector<WorkerRecord>> MemoryStore::LoadWorkers() {
  const MutexLock lock(rep_->mutex);
  std::vector<WorkerRecord> workers;
  for (const auto& [name, worker] : rep_->tables.workers) workers.push_back(worker);
  return workers;
}

absl::StatusOr<Store::HighestIds> MemoryStore::LoadHighestIds() {
  const MutexLock lock(rep_->mutex);
  return rep_->tables.highest;
}

absl::StatusOr<std::optional<RequestRecord>> MemoryStore::FindRequest(const std::string& id) {
  const MutexLock lock(rep_->mutex);
  const auto found = rep_->tables.requests.find(id);
  if (found == rep_->tables.requests.end()) return std::optional<RequestRecord>();
  return std::optional(found->second);
}

absl::StatusOr<std::vector<MetricCurve>> MemoryStore::ReadCurves(StudyId study, TrialNumber trial,
                                                                 const std::vector<std::string>& metrics,
                                                                 Archived archived) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_ASSIGN_OR_RETURN(const TrialRow* row, rep_->TrialOf(study, trial));
  std::vector<MetricCurve> curves;
  for (auto& [name, points] : CurvesOf(*row, archived)) {
    const bool wanted = metrics.empty() || std::find(metrics.begin(), metrics.end(), name) != metrics.end();
    if (wanted) curves.push_back({name, std::move(points)});
  }
  return curves;
}

absl::StatusOr<std::vector<Store::TrialCurve>> MemoryStore::ReadCompletedCurves(StudyId study,
                                                                                const std::string& metric) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_ASSIGN_OR_RETURN(const StudyRow* row, rep_->Study(study));
  std::vector<TrialCurve> curves;
  for (const auto& [number, trial] : row->trials) {
    if (trial.trial.state != TrialState::kCompleted) continue;
    auto points = CurvesOf(trial, Archived::kLeaveOut);
    const auto found = points.find(metric);
    if (found == points.end()) continue;
    for (CurvePoint& point : found->second) point.elapsed_ms = 0;
    curves.push_back({number, std::move(found->second)});
  }
  return curves;
}

absl::StatusOr<std::vector<Attempt>> MemoryStore::ReadAttempts(StudyId study, TrialNumber trial) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_ASSIGN_OR_RETURN(const TrialRow* row, rep_->TrialOf(study, trial));
  std::vector<Attempt> attempts;
  for (const auto& [token, attempt] : row->attempts) attempts.push_back(attempt.attempt);
  return attempts;
}

absl::StatusOr<std::vector<Measurement>> MemoryStore::ReadMeasurements(StudyId study, TrialNumber trial, Token token) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_ASSIGN_OR_RETURN(const TrialRow* row, rep_->TrialOf(study, trial));
  const auto found = row->attempts.find(token);
  return found == row->attempts.end() ? std::vector<Measurement>() : MeasurementsOf(found->second);
}

absl::StatusOr<std::vector<DecisionRecord>> MemoryStore::ReadDecisions(StudyId study, std::optional<TrialNumber> trial,
                                                                       Revision after, int64_t limit) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_ASSIGN_OR_RETURN(const StudyRow* row, rep_->Study(study));
  std::vector<DecisionRecord> decisions;
  for (auto it = row->decisions.upper_bound(after); it != row->decisions.end(); ++it) {
    const DecisionRecord& decision = it->second;
    if (trial.has_value() && decision.trial != *trial) continue;
    // A revision is never split: the caller goes on after the last one that it got.
    if (!decisions.empty() && std::ssize(decisions) >= limit && decisions.back().revision != decision.revision) break;
    decisions.push_back(decision);
  }
  return decisions;
}

absl::StatusOr<std::vector<Metric>> MemoryStore::ReadFinalMetrics(StudyId study, TrialNumber trial) {
  const MutexLock lock(rep_->mutex);
  ATHANOR_ASSIGN_OR_RETURN(const TrialRow* row, rep_->TrialOf(study, trial));
  return row->final_metrics;
}

absl::StatusOr<StoreSize> MemoryStore::ReadSize() { return StoreSize{}; }

}  // namespace athanor
