// One trial from start to end: the loop behind Trainer::Run.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>

#include "worker/training/dataset.h"
#include "worker/training/loss.h"
#include "worker/training/options.h"
#include "worker/training/pacer.h"
#include "worker/training/plan.h"
#include "worker/training/schedule.h"
#include "worker/training/trainer.h"
#include "worker/training/training_state.h"

namespace athanor::training {

// Used once, by one thread. Throws the errors of errors.h and LibTorch's.
class TrainingRun {
 public:
  // Loads the data, builds the trial and restores the newest checkpoint that can be read.
  TrainingRun(const TrialSpec& spec, const TrainingOptions& options, const at::Device& device, DatasetCache& datasets,
              const Clock& clock, TrainingEvents& events, TrainingControl& control);

  TrialResult Run();

 private:
  void RestoreNewest();

  // Each returns the trial's result if it ends there.
  std::optional<TrialResult> Advance();
  std::optional<TrialResult> AtMeasurement();
  std::optional<TrialResult> Obey();
  std::optional<TrialResult> Hold();

  void TrainBatch();
  at::Tensor NextIndices();
  TrialResult EndDiverged();
  TrialResult Finish();

  // The sums behind train_loss are on the device while it is not the CPU, so that no step waits for it.
  void CountLoss(const at::Tensor& loss, int64_t examples);
  void SettleLoss();
  bool LossChecked() const;

  Metrics Measure();
  void TrackBest(const Metrics& metrics);
  void SaveCheckpoint();
  void ReportProgress();

  const TrialSpec& spec_;
  const TrainingOptions& options_;
  at::Device device_;
  TrainingEvents& events_;
  TrainingControl& control_;
  Pacer pacer_;
  std::shared_ptr<const Dataset> dataset_;
  std::optional<RunPlan> plan_;
  std::optional<LearningRateSchedule> schedule_;
  std::unique_ptr<TrainingState> state_;

  int64_t order_epoch_ = -1;  // the epoch that order_ is of
  at::Tensor order_;          // int64 [examples of an epoch]: indices into the training file
  at::Tensor pending_loss_;   // see CountLoss; float64 scalar on the device, undefined if nothing is pending
  at::Tensor last_loss_;
  int64_t examples_since_report_ = 0;
};

// A text equal for all attempts of a trial and for nothing else: its seed, data and options.
std::string TrialIdentity(const TrialSpec& spec, const Dataset& dataset);

}  // namespace athanor::training
