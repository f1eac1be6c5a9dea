// A trainer, a small data set of our own, and a script that records what happens and gives commands.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/worker/training/test_data.h"
#include "worker/training/checkpoints/checkpoint_file.h"
#include "worker/training/run/trainer.h"

namespace athanor::training {

// 240 training examples, 180 of them to train on: 6 optimiser steps of 30 an epoch.
inline constexpr int64_t kStepsPerEpoch = 6;

// Stands still unless told otherwise.
class FakeClock final : public Clock {
 public:
  Now Read() const override {
    time_ += tick;
    return {time_, WallTime()};
  }
  Duration tick{0};  // how much later every reading is than the one before

 private:
  mutable MonotonicTime time_;
};

struct Measurement {
  int64_t step;
  Metrics metrics;
  bool operator==(const Measurement&) const = default;
};

// Records what happens and gives commands by optimiser step (counted by polls) and by hold.
class Script final : public TrainingEvents, public TrainingControl {
 public:
  void OnStarted(const StartReport& report) override {
    started = report;
    order.push_back("started");
  }
  void OnMetrics(int64_t step, const Metrics& metrics, int64_t elapsed_ms) override {
    measurements.push_back({step, metrics});
    elapsed.push_back(elapsed_ms);
    order.push_back("metrics " + std::to_string(step));
  }
  void OnProgress(const ProgressReport& report) override { progress.push_back(report); }
  void OnCheckpointSaved(const CheckpointReport& report) override {
    checkpoints.push_back(report);
    order.push_back("checkpoint " + std::to_string(report.step));
  }
  void OnArtifact(const ArtifactReport& report) override {
    artifacts.push_back(report);
    order.push_back("artifact " + report.name + " " + std::to_string(report.step));
  }
  void OnWarning(const std::string& message) override { warnings.push_back(message); }
  Command Poll() override {
    ++polls;
    return polls == command_at ? command : Command::kNone;
  }
  Command AwaitAnswer() override {
    order.push_back("hold");
    if (answers.empty()) return Command::kStop;
    const Command answer = answers.front();
    answers.pop_front();
    return answer;
  }

  int64_t command_at = 0;  // optimiser steps of this run; 0 = never
  Command command = Command::kNone;
  std::deque<Command> answers;

  int64_t polls = 0;
  std::optional<StartReport> started;
  std::vector<Measurement> measurements;
  std::vector<int64_t> elapsed;
  std::vector<ProgressReport> progress;
  std::vector<CheckpointReport> checkpoints;
  std::vector<ArtifactReport> artifacts;
  std::vector<std::string> warnings;
  std::vector<std::string> order;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() { WriteDataset(data_.path(), 240, 60); }

  // Everything that has state: dropout, batch normalisation, momentum, a schedule.
  TrialSpec Spec(int64_t until) const {
    TrialSpec spec;
    spec.options = {{"dataset", std::string("idx")}, {"data_dir", data_.path().string()},
                    {"validation_fraction", 0.25},   {"channels", int64_t{4}},
                    {"kernel_size", int64_t{3}},     {"hidden_units", int64_t{16}},
                    {"batch_size", int64_t{30}},     {"dropout", 0.3},
                    {"norm", std::string("batch")},  {"momentum", 0.9},
                    {"learning_rate", 0.05},         {"schedule", std::string("cosine")},
                    {"warmup_epochs", 0.5},          {"epochs", int64_t{4}},
                    {"label_smoothing", 0.1},        {"gradient_clip_norm", 1.0}};
    spec.seed = 0xdeadbeefcafe;
    spec.until = until;
    spec.objective = "val_loss";
    spec.goal = Goal::kMinimize;
    spec.checkpoint_dir = checkpoints_.path();
    return spec;
  }

  TrialResult Run(const TrialSpec& spec, Script& script) { return Trainer(clock_).Run(spec, script, script); }

  // The checkpoint's contents without the time it took.
  static CheckpointSections Contents(const CheckpointReport& report) {
    CheckpointSections sections = ReadCheckpoint(report.path);
    sections.erase("elapsed_ms");
    return sections;
  }

  TemporaryFolder data_;
  TemporaryFolder checkpoints_;
  FakeClock clock_;
};

}  // namespace athanor::training
