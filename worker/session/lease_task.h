// One lease from its grant to its end: fetches the checkpoint, runs the trial on a slot, passes its measurements,
// checkpoints and end on to the coordinator and the coordinator's verdicts back to the trainer.
//
// A lease outlives its use of a slot: once the trainer is free the slot takes its next trial, while the last upload,
// the report that pauses and the end of the attempt go on here.
//
// Order, per lease: a checkpoint is registered (or given up) before the measurement of the hold at which it was taken
// is reported, and everything is reported before the attempt is ended. resumed_step and environment travel with the
// first measurement, or with the end if there is none.
//
// Single-threaded, on the io_context's thread; create with std::make_shared.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "client/api/worker_client.h"
#include "worker/session/artifact_shipper.h"
#include "worker/session/backoff.h"
#include "worker/session/checkpoint_cache.h"
#include "worker/session/checkpoint_fetcher.h"
#include "worker/session/checkpoint_uploader.h"
#include "worker/session/lease_key.h"
#include "worker/session/log_shipper.h"
#include "worker/session/report_queue.h"
#include "worker/session/slot.h"

namespace athanor::session {

// What all leases of a session share; outlives them.
struct LeaseServices {
  boost::asio::io_context& io;
  const Clock& clock;
  WorkerTransport& transport;
  ReportQueue& reports;
  CheckpointCache& cache;
  std::string trials_folder;  // each lease makes and removes its own folder in it
  Backoff::Options transfer_backoff;
  LogShipperOptions logs;
  Duration progress_interval = std::chrono::seconds(1);
  HelloMessage trainer;  // what the trainer said of itself
};

class LeaseTask final : public Slot::Trial,
                        public CheckpointUploader::Observer,
                        public std::enable_shared_from_this<LeaseTask> {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // Something was added to the report queue.
    virtual void OnReportsQueued() = 0;
    // over() became true. The task must not be destroyed from within.
    virtual void OnLeaseOver() = 0;
  };

  // `slot` must be free; it is reserved. `observer` must outlive the task.
  LeaseTask(LeaseServices& services, v1::Lease lease, Slot& slot, Observer* observer);
  ~LeaseTask() override;

  void Begin();
  // The link to the coordinator is up again: transfers that wait for it are tried at once.
  void OnConnected();
  void OnVerdict(const v1::Verdict& verdict);
  // The coordinator has stored some more of what is in the report queue.
  void OnAcknowledged();
  // The coordinator has stored the end of the attempt.
  void OnFinishAcknowledged();
  // The coordinator says that the lease is dead: stop at once, report nothing more.
  void OnLost(const std::string& why);
  // Checkpoint, upload, then hand the lease back as PREEMPTED. No-op while it ends anyway.
  void Preempt();

  const LeaseKey& key() const { return key_; }
  // True while the coordinator counts the lease as this worker's, as far as is known here.
  bool live() const { return live_; }
  // True once nothing is left to do: no lease, no slot, no log, no artifact.
  bool over() const { return over_; }

  void OnTrainerMessage(const TrainerMessage& message) override;
  void OnLog(std::string_view bytes) override { logs_->Append(bytes); }
  void OnChildLost(ChildLoss loss, const std::string& reason) override;
  void OnUploadsIdle() override { Flush(); }
  void OnUploadLeaseLost(const absl::Status& status) override { OnLost(std::string(status.message())); }

 private:
  // Why the trainer was told to stop or pause, if it was.
  enum class Ending {
    kNone,
    kPromisedPause,  // at a hold that ends the attempt for certain; the verdict is still to come
    kPreempted,
    kFailed,  // for `failure_`
    kOver,    // the lease has ended
  };

  void OnFetched(absl::StatusOr<std::vector<CheckpointFetcher::Fetched>> fetched);
  void StartTrial(const std::vector<CheckpointFetcher::Fetched>& fetched);
  void OnStarted(const StartedMessage& started);
  void OnMetrics(const MetricsMessage& metrics);
  void OnProgress(const ProgressMessage& progress);
  void OnCheckpointSaved(const CheckpointSavedMessage& saved);
  void OnArtifact(const ArtifactMessage& artifact);
  void OnPaused();
  void OnStopped();
  void OnContinue(int64_t step);

  void Queue(v1::Measurement measurement);
  // Uploads the checkpoint that waits, once the coordinator has stored every measurement that was made before it: the
  // attempt that goes on from it does not make them again.
  void UploadIfDue();
  bool Uploading() const { return unsent_checkpoint_.has_value() || uploader_->busy(); }
  // Ends the attempt once uploads and measurements are out.
  void Finish(v1::AttemptOutcome outcome, const std::string& reason, const Metrics& final_metrics = {});
  // Stops the trainer, then ends the attempt as FAILED.
  void Fail(const std::string& why);
  // Queues what neither upload nor log holds back any more.
  void Flush();
  // The lease is no longer this worker's.
  void EndLease();
  void TellIfOver();

  LeaseServices& services_;
  const v1::Lease lease_;
  const LeaseKey key_;
  const std::string folder_;
  std::set<int64_t> hold_at_;
  Observer* observer_;
  Slot* slot_;  // null once the trainer is free
  std::shared_ptr<CheckpointFetcher> fetcher_;
  std::shared_ptr<CheckpointUploader> uploader_;
  std::shared_ptr<LogShipper> logs_;
  std::shared_ptr<ArtifactShipper> artifacts_;
  std::vector<std::shared_ptr<const CachedCheckpoint>> resumed_from_;  // kept until the trainer has read them

  bool live_ = true;
  bool training_ = false;  // start was handed to the slot
  Ending ending_ = Ending::kNone;
  std::string failure_;
  bool started_ = false;                      // the trainer said so
  std::optional<AttemptOpening> opening_;     // not yet sent
  std::optional<int64_t> hold_;               // the step at which the trainer waits for a verdict
  std::optional<v1::Measurement> held_back_;  // of that step, until its checkpoint is registered
  // The newest checkpoint not yet handed to the uploader, and the last step measured before it.
  struct UnsentCheckpoint {
    std::shared_ptr<const CachedCheckpoint> file;
    int64_t step = 0;
    int64_t measured_step = 0;
  };
  std::optional<UnsentCheckpoint> unsent_checkpoint_;
  std::string newest_saved_;                 // where the trainer left its newest checkpoint
  int64_t measured_step_ = 0;                // the last one queued
  std::optional<v1::FinishRequest> finish_;  // until everything else is out
  bool log_is_out_ = false;                  // as much of it as may hold the finish back
  bool finish_queued_ = false;
  bool closing_ = false;  // only log and artifacts are left
  bool over_ = false;
  std::optional<MonotonicTime> last_progress_;
};

}  // namespace athanor::session
