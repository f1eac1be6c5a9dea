// The store of a simulation: keeps nothing, and tells what was committed as lines of text.
#pragma once

#include <string>
#include <vector>

#include "server/store/store.h"

namespace athanor {

// A line a fact, in order of commit: which trial was created with which parameters, leased to whom, entered which rung,
// and was decided upon why; how attempts ended. Numbers are the shortest text that reads back to the same double, so
// equal logs are equal runs. Measurements are left out: the task knows them.
//
//   study "lcbench-02" random asha
//   trial 0 batch_size=265 learning_rate=0.0021541
//   attempt 1 trial 0 on w0 at 0
//   attempt 1 trial 0 from step 0
//   rung 0 trial 0 value -47.3092
//   decision trial 0 step 1 asha rung 0 value 47.3092 bound nan n 1 PAUSE
//   attempt 1 PAUSED at 9920
//
// Times are virtual milliseconds. Reads find an empty store. Not thread-safe.
class DecisionLog final : public Store {
 public:
  // Nothing is told without `lines`.
  explicit DecisionLog(std::string* lines) : lines_(lines) {}

  absl::Status Commit(const ChangeBatch& batch) override;

  absl::StatusOr<std::vector<StudyId>> LoadStudyIds() override { return std::vector<StudyId>(); }
  absl::StatusOr<StudyImage> LoadStudy(StudyId study) override;
  absl::StatusOr<std::vector<WorkerRecord>> LoadWorkers() override { return std::vector<WorkerRecord>(); }
  absl::StatusOr<HighestIds> LoadHighestIds() override { return HighestIds(); }
  absl::StatusOr<std::optional<RequestRecord>> FindRequest(const std::string&) override {
    return std::optional<RequestRecord>();
  }
  absl::StatusOr<std::vector<MetricCurve>> ReadCurves(StudyId, TrialNumber, const std::vector<std::string>&,
                                                      Archived) override {
    return std::vector<MetricCurve>();
  }
  absl::StatusOr<std::vector<TrialCurve>> ReadCompletedCurves(StudyId, const std::string&) override {
    return std::vector<TrialCurve>();
  }
  absl::StatusOr<std::vector<Attempt>> ReadAttempts(StudyId, TrialNumber) override { return std::vector<Attempt>(); }
  absl::StatusOr<std::vector<Measurement>> ReadMeasurements(StudyId, TrialNumber, Token) override {
    return std::vector<Measurement>();
  }
  absl::StatusOr<std::vector<DecisionRecord>> ReadDecisions(StudyId, std::optional<TrialNumber>, Revision,
                                                            int64_t) override {
    return std::vector<DecisionRecord>();
  }
  absl::StatusOr<std::vector<Metric>> ReadFinalMetrics(StudyId, TrialNumber) override { return std::vector<Metric>(); }
  absl::StatusOr<StoreSize> ReadSize() override { return StoreSize(); }

 private:
  std::string* lines_;
  std::vector<std::string> parameters_;  // of the study, once it was committed
};

}  // namespace athanor
