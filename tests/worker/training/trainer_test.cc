// The trainer as a whole, on a small data set of our own: determinism, resuming, holding, ending.
#include "worker/training/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <optional>

#include "tests/worker/training/test_data.h"
#include "worker/training/checkpoint_file.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// 240 training examples, 180 of them to train on: 6 optimiser steps of 30 an epoch.
constexpr int64_t kStepsPerEpoch = 6;

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
  std::vector<std::string> warnings;
  std::vector<std::string> order;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() { WriteDataset(data_.path(), 240, 60); }

  // Everything that has state: dropout, batch normalisation, momentum, a schedule.
  TrialSpec Spec(int64_t until) const {
    TrialSpec spec;
    spec.options = {{"dataset", std::string("idx")},
                    {"data_dir", data_.path().string()},
                    {"validation_fraction", 0.25},
                    {"channels", int64_t{4}},
                    {"kernel_size", int64_t{3}},
                    {"hidden_units", int64_t{16}},
                    {"batch_size", int64_t{30}},
                    {"dropout", 0.3},
                    {"batch_norm", true},
                    {"momentum", 0.9},
                    {"learning_rate", 0.05},
                    {"schedule", std::string("cosine")},
                    {"warmup_epochs", 0.5},
                    {"epochs", int64_t{4}},
                    {"label_smoothing", 0.1},
                    {"gradient_clip_norm", 1.0}};
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

TEST_F(TrainerTest, ReportsOneMeasurementAnEpochAndTheTestOfTheBest) {
  Script script;
  const TrialResult result = Run(Spec(4), script);
  EXPECT_EQ(result.ending, Ending::kDone) << result.reason;
  EXPECT_EQ(result.step, 4);
  EXPECT_THAT(script.order, ElementsAre("started", "metrics 1", "metrics 2", "metrics 3", "metrics 4"));
  EXPECT_EQ(script.started->resumed_step, 0);
  EXPECT_EQ(script.started->threads, 1);
  EXPECT_EQ(script.started->device, "cpu");
  EXPECT_THAT(script.started->dataset_hash, SizeIs(64));
  for (const Measurement& measurement : script.measurements) {
    EXPECT_THAT(measurement.metrics, SizeIs(3));
    EXPECT_GT(measurement.metrics.at("train_loss"), 0);
    EXPECT_GT(measurement.metrics.at("val_loss"), 0);
    EXPECT_GE(measurement.metrics.at("val_accuracy"), 0);
    EXPECT_LE(measurement.metrics.at("val_accuracy"), 1);
  }
  EXPECT_THAT(result.metrics, SizeIs(2));
  EXPECT_GT(result.metrics.at("test_accuracy"), 0.25);
  EXPECT_GT(result.metrics.at("test_loss"), 0);
  EXPECT_EQ(script.polls, 4 * kStepsPerEpoch);
}

TEST_F(TrainerTest, ResumedTrialEqualsUninterruptedOneBitForBit) {
  for (const char* optimizer : {"sgd", "adam", "adamw"}) {
    // 12 lies on the end of the second epoch, the others inside one.
    for (const int64_t pause_after : {12, 1, 8, 23}) {
      TrialSpec spec = Spec(4);
      spec.options["optimizer"] = std::string(optimizer);
      spec.hold_at = {4};
      Script whole;
      EXPECT_EQ(Run(spec, whole).ending, Ending::kStopped);

      Script first;
      first.command_at = pause_after;
      first.command = Command::kPause;
      const TrialResult paused = Run(spec, first);
      ASSERT_EQ(paused.ending, Ending::kPaused);
      EXPECT_EQ(paused.step, pause_after / kStepsPerEpoch);
      ASSERT_THAT(first.checkpoints, SizeIs(1));

      Script second;
      spec.checkpoints = {first.checkpoints[0].path};
      EXPECT_EQ(Run(spec, second).ending, Ending::kStopped);
      EXPECT_EQ(second.started->resumed_step, pause_after / kStepsPerEpoch);

      std::vector<Measurement> pieces = first.measurements;
      pieces.insert(pieces.end(), second.measurements.begin(), second.measurements.end());
      EXPECT_EQ(pieces, whole.measurements) << optimizer << " " << pause_after;
      EXPECT_EQ(Contents(second.checkpoints.back()), Contents(whole.checkpoints.back()))
          << optimizer << " " << pause_after;
    }
  }
}

TEST_F(TrainerTest, FinalEvaluationUsesTheBestWeightsAlsoAfterResuming) {
  TrialSpec spec = Spec(4);
  // By a training loss that falls, the "best" of a maximised loss is the first epoch, long past at the end.
  spec.objective = "train_loss";
  spec.goal = Goal::kMaximize;
  Script whole;
  const TrialResult expected = Run(spec, whole);
  ASSERT_GT(whole.measurements[0].metrics.at("train_loss"), whole.measurements[3].metrics.at("train_loss"));

  Script one_epoch;
  const TrialResult after_one = Run(
      [&] {
        TrialSpec s = spec;
        s.until = 1;
        return s;
      }(),
      one_epoch);
  EXPECT_EQ(expected.metrics, after_one.metrics) << "tested with the weights of epoch 1";

  Script first;
  first.command_at = 15;
  first.command = Command::kPause;
  Run(spec, first);
  EXPECT_FALSE(first.checkpoints[0].best);
  spec.checkpoints = {first.checkpoints[0].path};
  Script second;
  EXPECT_EQ(Run(spec, second).metrics, expected.metrics);
}

TEST_F(TrainerTest, ResultDoesNotDependOnWhatTheProcessTrainedBefore) {
  Script alone;
  const TrialResult expected = Run(Spec(2), alone);
  Trainer warm(clock_);
  TrialSpec other = Spec(1);
  other.seed = 99;
  other.options["model"] = std::string("mlp");
  other.options["split_seed"] = int64_t{4};
  Script before, after;
  warm.Run(other, before, before);
  const TrialResult actual = warm.Run(Spec(2), after, after);
  EXPECT_EQ(after.measurements, alone.measurements);
  EXPECT_EQ(actual.metrics, expected.metrics);
  EXPECT_NE(before.measurements[0].metrics, alone.measurements[0].metrics);
}

TEST_F(TrainerTest, ResultDoesNotDependOnTheClock) {
  Script still;
  Run(Spec(2), still);
  clock_.tick = std::chrono::milliseconds(137);
  TrialSpec spec = Spec(2);
  spec.checkpoint_interval = std::chrono::seconds(1);
  Script moving;
  Run(spec, moving);
  EXPECT_GT(moving.checkpoints.size(), 1u);
  EXPECT_EQ(moving.measurements, still.measurements);
}

TEST_F(TrainerTest, SeedDecides) {
  Script one, two;
  Run(Spec(1), one);
  TrialSpec spec = Spec(1);
  spec.seed ^= uint64_t{1} << 40;  // the high half counts too
  Run(spec, two);
  EXPECT_NE(one.measurements, two.measurements);
}

TEST_F(TrainerTest, LearnsAFewExamplesByHeart) {
  TrialSpec spec = Spec(60);
  spec.options = {{"dataset", std::string("idx")},
                  {"data_dir", data_.path().string()},
                  {"max_train_examples", int64_t{32}},
                  {"batch_size", int64_t{64}},
                  {"channels", int64_t{8}},
                  {"kernel_size", int64_t{3}},
                  {"optimizer", std::string("adam")},
                  {"learning_rate", 0.01},
                  {"epochs", int64_t{60}}};
  Script script;
  ASSERT_EQ(Run(spec, script).ending, Ending::kDone);
  EXPECT_GT(script.measurements.front().metrics.at("train_loss"), 1.0);
  EXPECT_LT(script.measurements.back().metrics.at("train_loss"), 0.05);
}

TEST_F(TrainerTest, SkipsDamagedAndForeignCheckpointsForTheNextOlder) {
  TrialSpec spec = Spec(4);
  spec.hold_at = {1, 2, 4};
  Script whole;
  whole.answers = {Command::kContinue, Command::kContinue};
  Run(spec, whole);
  ASSERT_THAT(whole.checkpoints, SizeIs(3));

  TrialSpec foreign_spec = Spec(4);
  foreign_spec.seed = 1;
  foreign_spec.hold_at = {3};
  Script foreign;
  Run(foreign_spec, foreign);

  const std::filesystem::path truncated = checkpoints_.path() / "truncated.ckpt";
  const std::string bytes = ReadFile(whole.checkpoints[1].path);
  WriteFile(truncated, bytes.substr(0, bytes.size() - 1));
  spec.checkpoints = {"/nonexistent.ckpt", foreign.checkpoints[0].path, truncated, whole.checkpoints[0].path};
  Script resumed;
  resumed.answers = {Command::kContinue};
  Run(spec, resumed);
  EXPECT_EQ(resumed.started->resumed_step, 1);
  ASSERT_THAT(resumed.warnings, SizeIs(3));
  EXPECT_THAT(resumed.warnings[0], HasSubstr("/nonexistent.ckpt: cannot open"));
  EXPECT_THAT(resumed.warnings[1], HasSubstr("belongs to another trial"));
  EXPECT_THAT(resumed.warnings[2], HasSubstr("its header says"));
  EXPECT_EQ(Contents(resumed.checkpoints.back()), Contents(whole.checkpoints.back()));

  spec.checkpoints = {truncated};
  Script scratch;
  scratch.answers = {Command::kContinue, Command::kContinue};
  Run(spec, scratch);
  EXPECT_EQ(scratch.started->resumed_step, 0);
  EXPECT_EQ(scratch.measurements, whole.measurements);
}

TEST_F(TrainerTest, HoldsWithTheCheckpointBeforeTheMeasurement) {
  TrialSpec spec = Spec(4);
  spec.hold_at = {2, 4};
  Script script;
  script.answers = {Command::kCheckpoint, Command::kContinue, Command::kPause};
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kPaused);
  EXPECT_EQ(result.step, 4);
  EXPECT_THAT(script.order, ElementsAre("started", "metrics 1", "checkpoint 2", "metrics 2", "hold", "hold",
                                        "metrics 3", "checkpoint 4", "metrics 4", "hold"));
}

TEST_F(TrainerTest, GoesOnWithoutACheckpointThatCannotBeWritten) {
  TrialSpec spec = Spec(2);
  spec.hold_at = {1};
  spec.checkpoint_dir = "/nonexistent";
  Script script;
  script.answers = {Command::kContinue};
  EXPECT_EQ(Run(spec, script).ending, Ending::kDone);
  EXPECT_THAT(script.order, ElementsAre("started", "metrics 1", "hold", "metrics 2"));
  ASSERT_THAT(script.warnings, SizeIs(1));
  EXPECT_THAT(script.warnings[0], HasSubstr("without a checkpoint of step 1: /nonexistent/step-1-"));
}

TEST_F(TrainerTest, TrialPausedAtItsLastStepEndsAtOnceWhenResumed) {
  TrialSpec spec = Spec(2);
  Script whole;
  const TrialResult expected = Run(spec, whole);
  spec.hold_at = {2};
  Script paused;
  paused.answers = {Command::kPause};
  Run(spec, paused);
  spec.checkpoints = {paused.checkpoints[0].path};
  Script resumed;
  const TrialResult result = Run(spec, resumed);
  EXPECT_EQ(result.ending, Ending::kDone);
  EXPECT_EQ(result.step, 2);
  EXPECT_EQ(result.metrics, expected.metrics);
  EXPECT_THAT(resumed.order, ElementsAre("started"));
}

TEST_F(TrainerTest, ObeysAtTheNextOptimiserStep) {
  Script stopped;
  stopped.command_at = 3;
  stopped.command = Command::kStop;
  EXPECT_EQ(Run(Spec(4), stopped).ending, Ending::kStopped);
  EXPECT_EQ(stopped.polls, 3);
  EXPECT_THAT(stopped.checkpoints, SizeIs(0));

  Script saved;
  saved.command_at = 8;
  saved.command = Command::kCheckpoint;
  EXPECT_EQ(Run(Spec(4), saved).ending, Ending::kDone);
  ASSERT_THAT(saved.checkpoints, SizeIs(1));
  EXPECT_EQ(saved.checkpoints[0].step, 1) << "the last finished one";
  EXPECT_THAT(saved.order, ElementsAre("started", "metrics 1", "checkpoint 1", "metrics 2", "metrics 3", "metrics 4"));
}

TEST_F(TrainerTest, CountsOptimiserStepsAsTheResource) {
  TrialSpec spec = Spec(20);
  spec.resource = Resource::kStep;
  spec.options["evaluation_interval"] = int64_t{8};
  spec.options["steps"] = int64_t{20};
  Script plain;
  ASSERT_EQ(Run(spec, plain).ending, Ending::kDone);
  EXPECT_THAT(plain.order, ElementsAre("started", "metrics 8", "metrics 16", "metrics 20"));

  spec.hold_at = {5};
  Script held;
  held.answers = {Command::kContinue};
  ASSERT_EQ(Run(spec, held).ending, Ending::kDone);
  EXPECT_THAT(held.order,
              ElementsAre("started", "checkpoint 5", "metrics 5", "hold", "metrics 8", "metrics 16", "metrics 20"));
  EXPECT_EQ(std::vector(held.measurements.begin() + 1, held.measurements.end()), plain.measurements)
      << "a hold changes no other measurement";
}

TEST_F(TrainerTest, DivergedTrialReportsWhatItSawAndIsInfeasible) {
  TrialSpec spec = Spec(4);
  spec.options["batch_norm"] = false;
  spec.options["learning_rate"] = 1000.0;
  spec.options["momentum"] = 0.99;
  spec.options.erase("gradient_clip_norm");
  spec.options.erase("label_smoothing");
  spec.options["optimizer"] = std::string("sgd");
  spec.options["schedule"] = std::string("constant");
  spec.options["warmup_epochs"] = 0.0;
  spec.options["weight_decay"] = 100.0;
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kInfeasible);
  EXPECT_THAT(result.reason, HasSubstr("diverged: the training loss is"));
  EXPECT_THAT(result.reason, HasSubstr("at optimiser step " + std::to_string(script.polls + 1)));
  ASSERT_FALSE(script.measurements.empty());
  EXPECT_FALSE(std::isfinite(script.measurements.back().metrics.at("train_loss")));
  EXPECT_EQ(script.measurements.back().step, script.polls / kStepsPerEpoch + 1) << "the epoch in progress";
}

TEST_F(TrainerTest, ConfigurationThatCannotWorkIsInfeasible) {
  struct Case {
    const char* option;
    Value value;
    const char* expected;
  };
  const Case cases[] = {
      {"no_such_option", int64_t{1}, "trainer option no_such_option is unknown"},
      {"kernel_size", int64_t{2}, "kernel_size 2 is even"},
      {"kernel_size", int64_t{9}, "kernel_size 9 is too large for images of 12 x 12"},
      {"warmup_epochs", 4.5, "warmup_epochs 4.5 (27 optimiser steps) is longer than the run of 24"},
      {"dataset", std::string("cifar"), "dataset cifar is unknown"},
      {"max_train_examples", int64_t{1}, "1 training examples cannot be split"},
  };
  for (const Case& c : cases) {
    TrialSpec spec = Spec(4);
    spec.options[c.option] = c.value;
    Script script;
    const TrialResult result = Run(spec, script);
    EXPECT_EQ(result.ending, Ending::kInfeasible) << c.expected;
    EXPECT_THAT(result.reason, HasSubstr(c.expected));
    EXPECT_THAT(script.order, SizeIs(0)) << c.expected;
  }
}

TEST_F(TrainerTest, WhatMayWorkElsewhereIsAFailure) {
  TrialSpec no_device = Spec(1);
  no_device.device = "cuda:99";
  Script script;
  TrialResult result = Run(no_device, script);
  EXPECT_EQ(result.ending, Ending::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("device cuda:99 does not exist here; there are: cpu"));

  std::filesystem::resize_file(data_.path() / "train-images-idx3-ubyte", 1000);
  result = Run(Spec(1), script);
  EXPECT_EQ(result.ending, Ending::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("train-images-idx3-ubyte: at byte 1000: truncated"));
}

TEST_F(TrainerTest, LastBatchOfOneIsLeftOutUnderBatchNormalisation) {
  TrialSpec spec = Spec(1);
  spec.options["max_train_examples"] = int64_t{82};  // 61 or 62 of them to train on
  spec.options["validation_fraction"] = 21.0 / 82;   // 61 = 2 * 30 + 1
  spec.options["epochs"] = int64_t{1};
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kDone) << result.reason;
  EXPECT_EQ(script.polls, 2);
}

TEST_F(TrainerTest, SaysThatItIsAliveAtMostTwiceASecond) {
  clock_.tick = std::chrono::milliseconds(200);
  Script script;
  Run(Spec(4), script);
  ASSERT_FALSE(script.progress.empty());
  EXPECT_FALSE(script.progress.front().train_loss.has_value()) << "while loading";
  EXPECT_TRUE(script.progress.back().train_loss.has_value());
  EXPECT_LE(script.progress.back().fraction, 1.0);
  EXPECT_GT(script.progress.back().fraction, script.progress.front().fraction);
  const auto total = clock_.Read().monotonic.time_since_epoch();
  EXPECT_LE(static_cast<int64_t>(script.progress.size()), total / std::chrono::milliseconds(500));
}

TEST_F(TrainerTest, ElapsedGoesOnAfterAResume) {
  clock_.tick = std::chrono::milliseconds(10);
  Script first;
  first.command_at = 2 * kStepsPerEpoch;
  first.command = Command::kPause;
  Run(Spec(4), first);
  TrialSpec spec = Spec(4);
  spec.checkpoints = {first.checkpoints[0].path};
  Script second;
  Run(spec, second);
  ASSERT_THAT(second.elapsed, SizeIs(2));
  EXPECT_GT(first.elapsed[0], 0);
  EXPECT_GT(first.elapsed[1], first.elapsed[0]);
  EXPECT_GT(second.elapsed[0], first.elapsed[1]);
}

TEST_F(TrainerTest, SavesOnItsOwnAtTheInterval) {
  clock_.tick = std::chrono::milliseconds(200);
  TrialSpec spec = Spec(4);
  spec.checkpoint_interval = std::chrono::hours(1);
  Script rarely;
  Run(spec, rarely);
  EXPECT_THAT(rarely.checkpoints, SizeIs(0));
  spec.checkpoint_interval = std::chrono::seconds(2);
  Script often;
  Run(spec, often);
  EXPECT_GT(often.checkpoints.size(), 2u);
}

}  // namespace
}  // namespace athanor::training
