// A store that stops writing for good once its file is known to be corrupt: whatever was written from then on would be
// built on sand, and could destroy what is left to save. The coordinator goes on to serve what can still be read, so
// that results can be exported; a restart on a repaired or restored file ends the refusal.
//
// Who finds the corruption: a commit that runs into it, or the check of the whole file that runs in the background
// after an unclean stop (operations/background_check.h), which calls Refuse.
#pragma once

#include <memory>
#include <utility>

#include "base/mutex.h"
#include "server/store/store.h"

namespace athanor {

// Passes everything on to another store, until a commit of that one is DATA_LOSS, or Refuse is called: from then on
// every Commit is the DATA_LOSS of then, and nothing reaches the other store but reads.
//
// Threads: as Store; Refuse from any thread.
class RefusingStore final : public Store {
 public:
  explicit RefusingStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  // `why` is DATA_LOSS and names the file. Only the first counts.
  void Refuse(const absl::Status& why);

  absl::Status Commit(const ChangeBatch& batch) override;
  absl::StatusOr<std::vector<StudyId>> LoadStudyIds() override { return store_->LoadStudyIds(); }
  absl::StatusOr<StudyImage> LoadStudy(StudyId study) override { return store_->LoadStudy(study); }
  absl::StatusOr<std::vector<WorkerRecord>> LoadWorkers() override { return store_->LoadWorkers(); }
  absl::StatusOr<HighestIds> LoadHighestIds() override { return store_->LoadHighestIds(); }
  absl::StatusOr<std::optional<RequestRecord>> FindRequest(const std::string& id) override {
    return store_->FindRequest(id);
  }
  absl::StatusOr<std::vector<MetricCurve>> ReadCurves(StudyId study, TrialNumber trial,
                                                      const std::vector<std::string>& metrics,
                                                      Archived archived) override {
    return store_->ReadCurves(study, trial, metrics, archived);
  }
  absl::StatusOr<std::vector<TrialCurve>> ReadCompletedCurves(StudyId study, const std::string& metric) override {
    return store_->ReadCompletedCurves(study, metric);
  }
  absl::StatusOr<std::vector<Attempt>> ReadAttempts(StudyId study, TrialNumber trial) override {
    return store_->ReadAttempts(study, trial);
  }
  absl::StatusOr<std::vector<Measurement>> ReadMeasurements(StudyId study, TrialNumber trial, Token token) override {
    return store_->ReadMeasurements(study, trial, token);
  }
  absl::StatusOr<std::vector<DecisionRecord>> ReadDecisions(StudyId study, std::optional<TrialNumber> trial,
                                                            Revision after, int64_t limit) override {
    return store_->ReadDecisions(study, trial, after, limit);
  }
  absl::StatusOr<std::vector<Metric>> ReadFinalMetrics(StudyId study, TrialNumber trial) override {
    return store_->ReadFinalMetrics(study, trial);
  }
  absl::StatusOr<StoreSize> ReadSize() override { return store_->ReadSize(); }

 private:
  const std::unique_ptr<Store> store_;
  Mutex mutex_;
  absl::Status refusal_ ATHANOR_GUARDED_BY(mutex_);
};

}  // namespace athanor
