// The store interface over one connection that reads.
#pragma once

#include <string>
#include <utility>

#include "SQLiteCpp/SQLiteCpp.h"
#include "server/store/sqlite/errors.h"
#include "server/store/sqlite/tables.h"
#include "server/store/store.h"

namespace athanor::sqlite {

// `database` outlives it and is in a read transaction, if its reads are to agree with each other. Has the schema of
// this program. Not thread-safe.
class SnapshotStore final : public Store {
 public:
  SnapshotStore(SQLite::Database& database, std::string path, int32_t schema_version)
      : path_(std::move(path)), schema_version_(schema_version), tables_(database) {}

  absl::Status Commit(const ChangeBatch& batch) override;
  absl::StatusOr<std::vector<StudyId>> LoadStudyIds() override;
  absl::StatusOr<StudyImage> LoadStudy(StudyId study) override;
  absl::StatusOr<std::vector<WorkerRecord>> LoadWorkers() override;
  absl::StatusOr<HighestIds> LoadHighestIds() override;
  absl::StatusOr<std::optional<RequestRecord>> FindRequest(const std::string& id) override;
  absl::StatusOr<std::vector<MetricCurve>> ReadCurves(StudyId study, TrialNumber trial,
                                                      const std::vector<std::string>& metrics,
                                                      Archived archived) override;
  absl::StatusOr<std::vector<TrialCurve>> ReadCompletedCurves(StudyId study, const std::string& metric) override;
  absl::StatusOr<std::vector<Attempt>> ReadAttempts(StudyId study, TrialNumber trial) override;
  absl::StatusOr<std::vector<Measurement>> ReadMeasurements(StudyId study, TrialNumber trial, Token token) override;
  absl::StatusOr<std::vector<DecisionRecord>> ReadDecisions(StudyId study, std::optional<TrialNumber> trial,
                                                            Revision after, int64_t limit) override;
  absl::StatusOr<std::vector<Metric>> ReadFinalMetrics(StudyId study, TrialNumber trial) override;
  absl::StatusOr<StoreSize> ReadSize() override;

 private:
  // `body` if the trial exists.
  template <typename Result, typename Body>
  absl::StatusOr<Result> OfTrial(StudyId study, TrialNumber trial, Body body);

  const std::string path_;
  const int32_t schema_version_;
  Tables tables_;
};

}  // namespace athanor::sqlite
