#include "server/store/sqlite/snapshot_store.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace athanor::sqlite {

template <typename Result, typename Body>
absl::StatusOr<Result> SnapshotStore::OfTrial(StudyId study, TrialNumber trial, Body body) {
  return Guarded(path_, [&]() -> absl::StatusOr<Result> {
    if (!tables_.trials.Check(study, trial).ok()) {
      return absl::NotFoundError(absl::StrCat("no trial ", trial, " of study ", study));
    }
    return body();
  });
}

absl::Status SnapshotStore::Commit(const ChangeBatch&) {
  return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for reading only"));
}

absl::StatusOr<std::vector<StudyId>> SnapshotStore::LoadStudyIds() {
  return Guarded(path_, [&]() -> absl::StatusOr<std::vector<StudyId>> { return tables_.studies.LoadIds(); });
}

absl::StatusOr<StudyImage> SnapshotStore::LoadStudy(StudyId study) {
  return Guarded(path_, [&] { return LoadStudyImage(study, tables_); });
}

absl::StatusOr<std::vector<WorkerRecord>> SnapshotStore::LoadWorkers() {
  return Guarded(path_, [&]() -> absl::StatusOr<std::vector<WorkerRecord>> { return tables_.workers.Load(); });
}

absl::StatusOr<Store::HighestIds> SnapshotStore::LoadHighestIds() {
  return Guarded(path_, [&]() -> absl::StatusOr<HighestIds> { return tables_.studies.LoadHighestIds(); });
}

absl::StatusOr<std::optional<RequestRecord>> SnapshotStore::FindRequest(const std::string& id) {
  return Guarded(path_, [&]() -> absl::StatusOr<std::optional<RequestRecord>> { return tables_.requests.Find(id); });
}

absl::StatusOr<std::vector<MetricCurve>> SnapshotStore::ReadCurves(StudyId study, TrialNumber trial,
                                                                   const std::vector<std::string>& metrics,
                                                                   Archived archived) {
  return OfTrial<std::vector<MetricCurve>>(
      study, trial, [&] { return tables_.measurements.ReadCurves(study, trial, metrics, archived); });
}

absl::StatusOr<std::vector<Store::TrialCurve>> SnapshotStore::ReadCompletedCurves(StudyId study,
                                                                                  const std::string& metric) {
  return Guarded(path_, [&]() -> absl::StatusOr<std::vector<TrialCurve>> {
    if (!tables_.studies.Exists(study)) return absl::NotFoundError(absl::StrCat("no study ", study));
    return tables_.measurements.ReadCompletedCurves(study, metric);
  });
}

absl::StatusOr<std::vector<Attempt>> SnapshotStore::ReadAttempts(StudyId study, TrialNumber trial) {
  return OfTrial<std::vector<Attempt>>(study, trial, [&] { return tables_.attempts.Read(study, trial); });
}

absl::StatusOr<std::vector<Measurement>> SnapshotStore::ReadMeasurements(StudyId study, TrialNumber trial,
                                                                         Token token) {
  return OfTrial<std::vector<Measurement>>(study, trial, [&]() -> std::vector<Measurement> {
    if (!tables_.attempts.Check(study, trial, token).ok()) return {};
    return tables_.measurements.Load(study, token);
  });
}

absl::StatusOr<std::vector<DecisionRecord>> SnapshotStore::ReadDecisions(StudyId study,
                                                                         std::optional<TrialNumber> trial,
                                                                         Revision after, int64_t limit) {
  return Guarded(path_, [&]() -> absl::StatusOr<std::vector<DecisionRecord>> {
    if (!tables_.studies.Exists(study)) return absl::NotFoundError(absl::StrCat("no study ", study));
    return tables_.decisions.Read(study, trial, after, limit);
  });
}

absl::StatusOr<std::vector<Metric>> SnapshotStore::ReadFinalMetrics(StudyId study, TrialNumber trial) {
  return OfTrial<std::vector<Metric>>(study, trial, [&] { return tables_.measurements.ReadFinal(study, trial); });
}

absl::StatusOr<StoreSize> SnapshotStore::ReadSize() {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path_, error);
  if (error) return absl::UnavailableError(absl::StrCat(path_, ": ", error.message()));
  return StoreSize{path_, static_cast<int64_t>(bytes), schema_version_};
}

}  // namespace athanor::sqlite
