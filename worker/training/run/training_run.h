// One trial from start to end: the loop behind Trainer::Run.
//
// It trains epoch by epoch, batch by batch; measures at the end of every step of the study's resource (plan.h); saves a
// checkpoint where it holds, where it is told to pause, and every checkpoint interval; and goes on from one as if it
// had never stopped: on the CPU bit for bit, because everything that decides what comes next is in TrainingState or
// follows from the seed and the epoch (order of examples, dropout, learning rate).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/training/data/dataset.h"
#include "worker/training/options/options.h"
#include "worker/training/run/artifact_writer.h"
#include "worker/training/run/pacer.h"
#include "worker/training/run/plan.h"
#include "worker/training/run/teacher.h"
#include "worker/training/run/trainer.h"
#include "worker/training/run/training_state.h"
#include "worker/training/run/training_step.h"
#include "worker/training/schedules/schedule.h"
#include "worker/training/tasks/evaluate.h"

namespace athanor::training {

// Used once, by one thread, which it blocks for as long as the trial trains. Throws the errors of errors.h and
// LibTorch's; Trainer::Run makes results of them.
class TrainingRun {
 public:
  // Loads the data, builds the trial and restores the newest checkpoint that can be read; one that cannot is passed
  // over with a warning, never an error. Without any, runs the trial's checks (checks.h). Everything referred to must
  // outlive it. `datasets` keeps what is decoded for the next trial; `events` is told what happens; `control` is asked
  // for commands after every batch.
  TrainingRun(const TrialSpec& spec, const TrainingOptions& options, const at::Device& device, DatasetCache& datasets,
              const Clock& clock, TrainingEvents& events, TrainingControl& control);

  // Trains until the trial's last step, a command to pause or to stop, or divergence. Once.
  TrialResult Run();

 private:
  // Null if there is no checkpoint to go on from.
  std::unique_ptr<TrainingState> RestoreNewest(const std::string& identity);
  std::unique_ptr<TrainingState> StartFresh(const std::string& identity);
  void MakePlan();

  // Each returns the trial's result if it ends there.
  std::optional<TrialResult> Advance();
  std::optional<TrialResult> AtMeasurement();
  std::optional<TrialResult> Obey();
  std::optional<TrialResult> Hold();

  void TrainBatch();
  at::Tensor NextIndices();
  at::Tensor OrderOf(int64_t epoch);
  TrialResult EndDiverged(const Metrics& metrics);
  TrialResult Finish();

  // The sums behind train_loss are on the device while it is not the CPU, so that no step waits for it.
  void CountLoss(const at::Tensor& loss, int64_t examples);
  void SettleLoss();
  bool LossChecked() const;

  std::unique_ptr<Scores> Evaluate(const Examples& examples, const at::Tensor& indices);
  Metrics Measure();
  // The objective's part in what is best, in the learning rate and in whether the trial goes on.
  void Observe(const Metrics& metrics);
  void SaveCheckpoint();
  // What histogram_interval asks for.
  void LeaveSnapshot();
  void LeaveSampleInputs();
  void ReportProgress();

  const TrialSpec& spec_;
  const TrainingOptions& options_;
  at::Device device_;
  TrainingEvents& events_;
  TrainingControl& control_;
  Pacer pacer_;
  ArtifactWriter artifacts_;
  std::shared_ptr<const Dataset> dataset_;
  std::unique_ptr<Task> task_;
  std::optional<RunPlan> plan_;
  std::optional<LearningRateSchedule> schedule_;
  std::unique_ptr<Teacher> teacher_;  // null without distillation
  std::unique_ptr<TrainingState> state_;
  std::optional<TrainingStep> step_;
  MetricSet metric_set_;

  int64_t order_epoch_ = -1;            // the epoch that order_ is of
  at::Tensor order_;                    // int64 [examples of an epoch]: indices into the training file
  std::vector<int64_t> train_classes_;  // of train_indices; rebalance: oversample
  StepOutcome last_;
  int64_t measured_examples_ = 0;  // since the last measurement
  int64_t measured_ms_ = 0;        // training time of the last measurement
  at::Tensor pending_loss_;        // see CountLoss; float64 scalar on the device, undefined if nothing is pending
  int64_t examples_since_report_ = 0;
};

}  // namespace athanor::training
