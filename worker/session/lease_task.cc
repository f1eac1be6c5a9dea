#include "worker/session/lease_task.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "worker/session/lease_convert.h"
#include "worker/session/trial_folder.h"

namespace athanor::session {
namespace {

bool HasMetric(const v1::Measurement& measurement, const std::string& name) {
  for (const v1::Metric& metric : measurement.metrics()) {
    if (metric.name() == name) return true;
  }
  return false;
}

}  // namespace

LeaseTask::LeaseTask(LeaseServices& services, v1::Lease lease, Slot& slot, Observer* observer)
    : services_(services),
      lease_(std::move(lease)),
      key_(lease_.ref()),
      folder_(services.trials_folder + "/" + key_.ToString()),
      hold_at_(lease_.hold_at().begin(), lease_.hold_at().end()),
      observer_(observer),
      slot_(&slot),
      uploader_(
          std::make_shared<CheckpointUploader>(services.io, services.transport, key_, services.transfer_backoff, this)),
      logs_(std::make_shared<LogShipper>(services.io, services.transport, key_, services.logs)),
      artifacts_(std::make_shared<ArtifactShipper>(
          services.io, services.transport, key_, folder_, services.transfer_backoff, [this](int64_t step) {
            const bool held_back = held_back_.has_value() && held_back_->step() <= step;
            return !held_back && !services_.reports.Owes(key_, step);
          })) {
  slot_->Reserve();
}

LeaseTask::~LeaseTask() {
  uploader_->Cancel();
  logs_->Cancel();
  artifacts_->Cancel();
  if (fetcher_ != nullptr) fetcher_->Cancel();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void LeaseTask::Begin() {
  spdlog::info("study {} trial {}: leased (token {})", lease_.study_name(), key_.trial_number, key_.token);
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    Fail(absl::StrCat("cannot make ", folder_, ": ", error.message()));
    return;
  }
  fetcher_ = std::make_shared<CheckpointFetcher>(services_.io, services_.transport, services_.cache, lease_,
                                                 services_.transfer_backoff,
                                                 [this](auto fetched) { OnFetched(std::move(fetched)); });
  fetcher_->Start();
}

void LeaseTask::OnFetched(absl::StatusOr<std::vector<CheckpointFetcher::Fetched>> fetched) {
  if (fetched.ok()) {
    StartTrial(*fetched);
  } else {
    OnLost(std::string(fetched.status().message()));
  }
}

void LeaseTask::StartTrial(const std::vector<CheckpointFetcher::Fetched>& fetched) {
  std::vector<CheckpointFile> checkpoints;
  for (const auto& [file, step] : fetched) {
    checkpoints.push_back({.path = file->path, .step = step});
    resumed_from_.push_back(file);
  }
  training_ = true;
  slot_->Start(ToStartCommand(lease_, key_.ToString(), folder_, std::move(checkpoints)),
               std::chrono::milliseconds(lease_.stall_timeout_ms()), this);
}

void LeaseTask::OnTrainerMessage(const TrainerMessage& message) {
  if (message.EndsTrial()) slot_ = nullptr;
  if (message.EndsTrial() && ending_ == Ending::kFailed) {
    Finish(v1::ATTEMPT_OUTCOME_FAILED, failure_);  // whatever it thinks of its own end
  } else if (const auto* started = std::get_if<StartedMessage>(&message.body)) {
    OnStarted(*started);
  } else if (const auto* metrics = std::get_if<MetricsMessage>(&message.body)) {
    OnMetrics(*metrics);
  } else if (const auto* progress = std::get_if<ProgressMessage>(&message.body)) {
    OnProgress(*progress);
  } else if (const auto* saved = std::get_if<CheckpointSavedMessage>(&message.body)) {
    OnCheckpointSaved(*saved);
  } else if (const auto* artifact = std::get_if<ArtifactMessage>(&message.body)) {
    OnArtifact(*artifact);
  } else if (std::holds_alternative<PausedMessage>(message.body)) {
    OnPaused();
  } else if (std::holds_alternative<StoppedMessage>(message.body)) {
    OnStopped();
  } else if (const auto* done = std::get_if<DoneMessage>(&message.body)) {
    Finish(v1::ATTEMPT_OUTCOME_COMPLETED, "", done->metrics);
  } else if (const auto* failed = std::get_if<FailedMessage>(&message.body)) {
    Finish(v1::ATTEMPT_OUTCOME_FAILED, failed->reason);
  } else if (const auto* infeasible = std::get_if<InfeasibleMessage>(&message.body)) {
    Finish(v1::ATTEMPT_OUTCOME_INFEASIBLE, infeasible->reason);
  }
  TellIfOver();
}

void LeaseTask::OnStarted(const StartedMessage& started) {
  started_ = true;
  resumed_from_.clear();
  opening_ =
      AttemptOpening{.resumed_step = started.resumed_step, .environment = ToEnvironment(services_.trainer, started)};
  spdlog::info("study {} trial {}: training on {} from step {}", lease_.study_name(), key_.trial_number, started.device,
               started.resumed_step);
}

void LeaseTask::OnMetrics(const MetricsMessage& metrics) {
  if (!live_ || ending_ == Ending::kFailed) return;
  if (!started_) {
    Fail("the trainer sent metrics before started");
    return;
  }
  v1::Measurement measurement = ToProto(metrics);
  if (!hold_at_.contains(metrics.step)) {
    Queue(std::move(measurement));
    return;
  }
  hold_ = metrics.step;
  held_back_ = std::move(measurement);
  slot_->Hold();
  // What is measured without the objective enters no rung: the verdict lets the trial go on.
  const bool pauses = lease_.pauses_at_hold() && HasMetric(*held_back_, lease_.objective_metric());
  if (pauses && ending_ == Ending::kNone) {
    ending_ = Ending::kPromisedPause;
    slot_->Pause();
  }
  Flush();
}

void LeaseTask::OnProgress(const ProgressMessage& progress) {
  const MonotonicTime now = services_.clock.Read().monotonic;
  if (!live_ || (last_progress_.has_value() && now < *last_progress_ + services_.progress_interval)) return;
  last_progress_ = now;
  services_.reports.SetProgress(key_, ToProto(progress));
  observer_->OnReportsQueued();
}

void LeaseTask::OnCheckpointSaved(const CheckpointSavedMessage& saved) {
  if (!live_) return;
  // The cache has the one before under a name of its own, for as long as there is room or somebody needs it.
  if (newest_saved_ != saved.path) RemoveIfIn(folder_, newest_saved_);
  newest_saved_ = saved.path;
  auto file = services_.cache.Add(saved.sha256, saved.path);
  if (file.ok()) {
    unsent_checkpoint_ = {.file = *std::move(file), .step = saved.step, .measured_step = measured_step_};
    UploadIfDue();
  } else {
    spdlog::warn("study {} trial {}: the checkpoint of step {} cannot be kept: {}", lease_.study_name(),
                 key_.trial_number, saved.step, file.status().ToString());
  }
}

void LeaseTask::OnArtifact(const ArtifactMessage& artifact) {
  if (!live_) return;
  artifacts_->Take(artifact, held_back_.has_value() ? held_back_->step() : measured_step_);
}

void LeaseTask::UploadIfDue() {
  if (!unsent_checkpoint_.has_value() || services_.reports.Owes(key_, unsent_checkpoint_->measured_step)) return;
  const UnsentCheckpoint due = *std::exchange(unsent_checkpoint_, std::nullopt);
  uploader_->Upload(due.file, due.step);
}

void LeaseTask::OnAcknowledged() {
  artifacts_->Pump();
  if (!live_ || !unsent_checkpoint_.has_value()) return;
  UploadIfDue();
  Flush();
}

void LeaseTask::OnPaused() {
  switch (ending_) {
    case Ending::kNone:
      Finish(v1::ATTEMPT_OUTCOME_FAILED, "the trainer paused although it was not told to");
      break;
    case Ending::kPreempted:
      Finish(v1::ATTEMPT_OUTCOME_PREEMPTED, "");
      break;
    case Ending::kPromisedPause:  // the verdict ends it
    case Ending::kFailed:
    case Ending::kOver:
      break;
  }
}

void LeaseTask::OnStopped() {
  if (ending_ != Ending::kOver) {
    Finish(v1::ATTEMPT_OUTCOME_FAILED, "the trainer stopped although it was not told to");
  }
}

void LeaseTask::OnChildLost(ChildLoss loss, const std::string& reason) {
  slot_ = nullptr;
  const bool our_doing = loss == ChildLoss::kDisobeyed || loss == ChildLoss::kNotStarted;
  if (ending_ == Ending::kPreempted && our_doing) {
    Finish(v1::ATTEMPT_OUTCOME_PREEMPTED, reason);
  } else if (ending_ == Ending::kFailed) {
    Finish(v1::ATTEMPT_OUTCOME_FAILED, failure_);
  } else if (ending_ == Ending::kNone || ending_ == Ending::kPreempted) {
    spdlog::warn("study {} trial {}: {}", lease_.study_name(), key_.trial_number, reason);
    Finish(v1::ATTEMPT_OUTCOME_FAILED, reason);
  }
  // At a promised pause the checkpoint is written and the report on its way: a child lost then loses nothing.
  TellIfOver();
}

void LeaseTask::Queue(v1::Measurement measurement) {
  const MeasurementKind kind =
      HasMetric(measurement, lease_.objective_metric()) ? MeasurementKind::kObjective : MeasurementKind::kTrainingOnly;
  measured_step_ = measurement.step();
  services_.reports.AddMeasurement(key_, std::move(measurement), kind, std::exchange(opening_, std::nullopt));
  observer_->OnReportsQueued();
}

void LeaseTask::Finish(v1::AttemptOutcome outcome, const std::string& reason, const Metrics& final_metrics) {
  if (!live_ || finish_queued_) return;
  finish_ = ToFinishRequest(key_.ToProto(), outcome, reason, final_metrics);
  logs_->Flush(services_.logs.flush_timeout, [this] {
    log_is_out_ = true;
    Flush();
  });
}

void LeaseTask::Flush() {
  if (!live_ || Uploading()) return;
  if (held_back_.has_value()) Queue(*std::exchange(held_back_, std::nullopt));
  if (!finish_.has_value() || !log_is_out_) return;
  if (opening_.has_value()) {
    finish_->set_resumed_step(opening_->resumed_step);
    *finish_->mutable_environment() = opening_->environment;
  }
  finish_queued_ = true;
  services_.reports.AddFinish(*std::exchange(finish_, std::nullopt));
  observer_->OnReportsQueued();
}

void LeaseTask::Fail(const std::string& why) {
  if (slot_ != nullptr && training_) {
    ending_ = Ending::kFailed;
    failure_ = why;
    slot_->Stop();
    return;
  }
  if (slot_ != nullptr) std::exchange(slot_, nullptr)->Release();
  Finish(v1::ATTEMPT_OUTCOME_FAILED, why);
}

void LeaseTask::OnConnected() {
  uploader_->RetryNow();
  logs_->RetryNow();
  artifacts_->RetryNow();
  if (fetcher_ != nullptr) fetcher_->RetryNow();
}

void LeaseTask::OnVerdict(const v1::Verdict& verdict) {
  if (!live_) return;
  if (verdict.status_code() == static_cast<int>(absl::StatusCode::kFailedPrecondition)) {
    OnLost(verdict.status_message());
  } else if (verdict.status_code() != 0) {
    held_back_.reset();
    services_.reports.Drop(key_);
    UploadIfDue();
    Fail(absl::StrCat("the coordinator refused a report: ", verdict.status_message()));
  } else if (verdict.action() == v1::ACTION_PAUSE || verdict.action() == v1::ACTION_PRUNE) {
    const bool pause = verdict.action() == v1::ACTION_PAUSE;
    spdlog::info("study {} trial {}: {} at step {}", lease_.study_name(), key_.trial_number,
                 pause ? "paused" : "pruned", verdict.step());
    const bool told = ending_ != Ending::kNone;
    EndLease();
    if (slot_ != nullptr && !told) {
      // At a hold the checkpoint is written already and a pause is free; elsewhere nobody would take the checkpoint any
      // more.
      if (pause && hold_.has_value()) {
        slot_->Pause();
      } else {
        slot_->Stop();
      }
    }
    TellIfOver();
  } else if (verdict.action() == v1::ACTION_CONTINUE) {
    OnContinue(verdict.step());
  }
}

void LeaseTask::OnContinue(int64_t step) {
  if (!hold_.has_value() || step < *hold_) return;
  hold_.reset();
  if (ending_ == Ending::kNone) {
    slot_->Continue();
  } else if (ending_ == Ending::kPromisedPause) {
    // The promise was not kept; the trainer is pausing or gone, so the trial goes on in another lease.
    ending_ = Ending::kPreempted;
    if (slot_ == nullptr) Finish(v1::ATTEMPT_OUTCOME_PREEMPTED, "");
  }
}

void LeaseTask::OnFinishAcknowledged() {
  if (!live_) return;
  EndLease();
  TellIfOver();
}

void LeaseTask::OnLost(const std::string& why) {
  if (!live_) return;
  spdlog::warn("study {} trial {}: the lease is lost: {}", lease_.study_name(), key_.trial_number, why);
  EndLease();
  if (slot_ != nullptr && training_) {
    slot_->Stop();
  } else if (slot_ != nullptr) {
    std::exchange(slot_, nullptr)->Release();
  }
  TellIfOver();
}

void LeaseTask::Preempt() {
  if (!live_ || ending_ != Ending::kNone || finish_.has_value() || finish_queued_) return;
  ending_ = Ending::kPreempted;
  if (slot_ != nullptr && training_) {
    slot_->Pause();
  } else if (slot_ != nullptr) {
    fetcher_->Cancel();
    std::exchange(slot_, nullptr)->Release();
    Finish(v1::ATTEMPT_OUTCOME_PREEMPTED, "");
  }
}

void LeaseTask::EndLease() {
  live_ = false;
  ending_ = Ending::kOver;
  held_back_.reset();
  finish_.reset();
  unsent_checkpoint_.reset();
  uploader_->Cancel();
  if (fetcher_ != nullptr) fetcher_->Cancel();
  services_.reports.Drop(key_);
}

void LeaseTask::TellIfOver() {
  if (live_ || slot_ != nullptr || std::exchange(closing_, true)) return;
  // Both at once, so that the drain of a worker waits for the slower of them only.
  const auto out = [this, left = std::make_shared<int>(2)] {
    if (--*left > 0) return;
    over_ = true;
    observer_->OnLeaseOver();
  };
  logs_->Flush(services_.logs.rest_timeout, out);
  artifacts_->Flush(services_.logs.rest_timeout, out);
}

}  // namespace athanor::session
