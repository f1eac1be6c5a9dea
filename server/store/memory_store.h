// A store that keeps everything in memory: for tests and simulation. Same contract, no durability.
#pragma once

#include <memory>

#include "server/store/store.h"

namespace athanor {

// Threads: stricter than store.h asks: any function from any thread. Performance: a commit costs what its changes cost,
// whatever the store holds.
class MemoryStore final : public Store {
 public:
  MemoryStore();
  ~MemoryStore() override;

  // Every later Commit returns this (and changes nothing) until it is set to OK.
  void SetCommitStatus(absl::Status status);

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
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace athanor
