// Trains one trial after another: the loop between the data and the model, without the protocol around it.
//
// Metrics. A measurement holds:
//   train_loss    mean training loss over the examples since the last boundary: of the epoch, or with resource `step`
//                 since the last multiple of evaluation_interval
//   val_...       each of the task's measures (tasks/task.h) on the validation half
// and, with metrics: full, of the last optimiser step before it:
//   learning_rate, gradient_norm (L2, before clipping), examples_per_second (trained, since the last measurement),
//   memory_bytes (the most that LibTorch held on a CUDA device; on the CPU the process's resident memory)
// The last two depend on the machine; all else is determined (below). The end of a trial holds, for the best model, the
// task's measures on the test part as test_.... The objective has to be one of what is measured, and defined on
// the validation half, else the trial is infeasible. A task's measure that only metrics: full has, named as the
// objective, brings the others along.
//
// Measurements happen at the end of every epoch, or with resource `step` at multiples of evaluation_interval, at hold
// steps and at `until`. They change nothing in the training.
//
// Determinism. On CPU, weights and metrics are a function of (options, seed, data set, processor model, library build):
// not of what the process trained before, of the clock, of holds, of checkpoints, nor of interruptions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/value.h"
#include "worker/training/goal.h"
#include "worker/training/tasks/metrics.h"

namespace athanor::training {

enum class Resource { kEpoch, kStep };

// What to train. The fields are those of the protocol's `start` (TRAINER_PROTOCOL.md).
struct TrialSpec {
  NamedValues options;
  uint64_t seed = 0;
  std::string device = "cpu";  // cpu, cuda:N
  Resource resource = Resource::kEpoch;
  int64_t until = 0;             // >= 1
  std::vector<int64_t> hold_at;  // ascending
  std::string objective;
  Goal goal = Goal::kMaximize;
  std::filesystem::path checkpoint_dir;            // exists
  Duration checkpoint_interval{0};                 // 0 = only when told
  bool final_checkpoint = false;                   // one is wanted of the end, the best model in it
  std::vector<std::filesystem::path> checkpoints;  // newest first; the first readable one of this trial is gone on from
};

struct StartReport {
  int64_t resumed_step = 0;  // 0 = from scratch
  int threads = 1;
  std::string dataset_hash;
  std::string device;
};

struct ProgressReport {
  double fraction = 0;  // of the way to `until`, in [0, 1]
  int64_t optimizer_step = 0;
  std::optional<double> train_loss;  // of the last batch; none while loading
  double examples_per_second = 0;    // since the last report
};

struct CheckpointReport {
  int64_t step = 0;  // last finished step of the resource
  std::filesystem::path path;
  std::string sha256;
  int64_t size = 0;
  bool best = false;  // the present model is also the best so far
};

// A small file about the training (tasks/report_file.h), complete; whoever is told of it takes it away.
struct ArtifactReport {
  int64_t step = 0;
  std::string name;
  std::filesystem::path path;
  int64_t size = 0;
};

// Receives what happens, on the thread that trains, while it waits. Must not throw.
class TrainingEvents {
 public:
  virtual ~TrainingEvents() = default;
  // Once, after loading and before any measurement.
  virtual void OnStarted(const StartReport& report) = 0;
  virtual void OnMetrics(int64_t step, const Metrics& metrics, int64_t elapsed_ms) = 0;
  // At most twice a second and, apart from a single slow optimiser step, at least every 10 s, also while loading
  // (before OnStarted) and evaluating.
  virtual void OnProgress(const ProgressReport& report) = 0;
  virtual void OnCheckpointSaved(const CheckpointReport& report) = 0;
  virtual void OnArtifact(const ArtifactReport& report) = 0;
  // A line for the log of the trainer: a checkpoint that was skipped and why, what pretrained weights were taken over,
  // why the trial ended early.
  virtual void OnWarning(const std::string& message) = 0;
};

enum class Command { kNone, kContinue, kPause, kStop, kCheckpoint };

// Where the trainer asks what it should do. Called on the thread that trains.
class TrainingControl {
 public:
  virtual ~TrainingControl() = default;
  // After every optimiser step; must not block. kContinue has no meaning here and is ignored.
  virtual Command Poll() = 0;
  // At a hold: blocks until there is a command. kCheckpoint does not end the hold (its checkpoint is written already).
  virtual Command AwaitAnswer() = 0;
};

// kDone: at `until`, or where patience, stop_at or halve_on_plateau end it.
enum class Ending { kDone, kPaused, kStopped, kFailed, kInfeasible };

struct TrialResult {
  Ending ending = Ending::kFailed;
  int64_t step = 0;         // kDone, kPaused: last finished step
  Metrics metrics = {};     // kDone: test_... of the best model
  std::string reason = {};  // kFailed, kInfeasible: one line
};

// Not thread-safe, and at most one at work in a process: it seeds LibTorch's default generators and sets its threads.
class Trainer {
 public:
  // `clock` must outlive the trainer. It times progress, checkpoints and elapsed training, and decides nothing else.
  explicit Trainer(const Clock& clock);
  ~Trainer();

  // Trains one trial to its end; blocks for as long as that takes. Never throws: a configuration that cannot work is
  // kInfeasible (unknown option, invalid combination, non-finite training loss, device memory), everything else that
  // goes wrong is kFailed, except that a checkpoint that cannot be written is a warning.
  //
  // On a non-finite training loss the trial is measured once more, as the step in progress, and ends kInfeasible.
  // The data set stays loaded for the next trial.
  TrialResult Run(const TrialSpec& spec, TrainingEvents& events, TrainingControl& control);

 private:
  struct Shared;
  const Clock& clock_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace athanor::training
