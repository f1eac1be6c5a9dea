#include "server/store/sqlite/tables.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "base/status.h"

namespace athanor::sqlite {

namespace {

struct Applier {
  Tables& tables;

  absl::Status operator()(const PutStudy& c) const { return tables.studies.Put(*c.study); }
  absl::Status operator()(const DeleteStudy& c) const {
    tables.studies.Delete(c.study);
    tables.measurements.ForgetMetricNames();
    return absl::OkStatus();
  }
  absl::Status operator()(const InsertTrial& c) const {
    tables.trials.Insert(c.study, c.trial);
    return absl::OkStatus();
  }
  absl::Status operator()(const UpdateTrial& c) const { return tables.trials.Update(c.study, c.trial); }
  absl::Status operator()(const InsertAttempt& c) const {
    tables.attempts.Insert(c.study, c.attempt);
    return absl::OkStatus();
  }
  absl::Status operator()(const UpdateAttempt& c) const { return tables.attempts.Update(c.study, c.attempt); }
  absl::Status operator()(const AddMeasurement& c) const {
    ATHANOR_RETURN_IF_ERROR(tables.attempts.Check(c.study, c.trial, c.token));
    tables.measurements.Add(c.study, c.token, c.measurement);
    return absl::OkStatus();
  }
  absl::Status operator()(const ArchiveMeasurements& c) const {
    ATHANOR_RETURN_IF_ERROR(tables.trials.Check(c.study, c.trial));
    tables.attempts.ArchiveAfter(c.study, c.trial, c.step, c.by);
    return absl::OkStatus();
  }
  absl::Status operator()(const PutRungEntry& c) const {
    tables.decisions.PutRungEntry(c.study, c.entry);
    return absl::OkStatus();
  }
  absl::Status operator()(const AddDecision& c) const {
    tables.decisions.Add(c.study, c.decision);
    return absl::OkStatus();
  }
  absl::Status operator()(const AddCheckpoint& c) const {
    tables.attempts.AddCheckpoint(c.study, c.checkpoint);
    return absl::OkStatus();
  }
  absl::Status operator()(const RemoveCheckpoint& c) const {
    tables.attempts.RemoveCheckpoint(c.study, c.checkpoint);
    return absl::OkStatus();
  }
  absl::Status operator()(const PutFinalMetrics& c) const {
    ATHANOR_RETURN_IF_ERROR(tables.trials.Check(c.study, c.trial));
    tables.measurements.PutFinal(c.study, c.trial, c.metrics);
    return absl::OkStatus();
  }
  absl::Status operator()(const PushEnqueued& c) const {
    tables.studies.PushEnqueued(c.study, c.configuration);
    return absl::OkStatus();
  }
  absl::Status operator()(const PopEnqueued& c) const {
    tables.studies.PopEnqueued(c.study, c.id);
    return absl::OkStatus();
  }
  absl::Status operator()(const AddPriorTrial& c) const {
    tables.prior.Add(c.study, c.position, c.trial);
    return absl::OkStatus();
  }
  absl::Status operator()(const PutWorker& c) const {
    tables.workers.Put(*c.worker);
    return absl::OkStatus();
  }
  absl::Status operator()(const PutRequest& c) const {
    tables.requests.Put(c.request);
    return absl::OkStatus();
  }
  absl::Status operator()(const ForgetRequests& c) const {
    tables.requests.Forget(c.before);
    return absl::OkStatus();
  }
};

}  // namespace

absl::Status Apply(const Change& change, Tables& tables) { return std::visit(Applier{tables}, change); }

absl::StatusOr<StudyImage> LoadStudyImage(StudyId study, Tables& tables) {
  StudyImage image;
  ATHANOR_ASSIGN_OR_RETURN(image.study, tables.studies.Load(study));
  const size_t parameters = image.study.spec.parameters.size();
  image.trials = tables.trials.Load(study, parameters);
  image.rung_entries = tables.decisions.LoadRungEntries(study);
  image.checkpoints = tables.attempts.LoadCheckpoints(study);
  image.enqueued = tables.studies.LoadEnqueued(study, parameters);
  image.last_enqueued_id = tables.studies.LoadLastEnqueued(study);
  image.prior = tables.prior.Load(study, parameters);
  image.live_attempts = tables.attempts.LoadLive(study);
  for (const Attempt& attempt : image.live_attempts) {
    std::vector<Measurement> measurements = tables.measurements.Load(study, attempt.token);
    if (!measurements.empty()) image.live_measurements.push_back({attempt.token, std::move(measurements)});
  }
  tables.attempts.LoadTrust(study, image);
  return image;
}

}  // namespace athanor::sqlite
