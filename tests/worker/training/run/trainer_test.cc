// The trainer as a whole: what it reports, what its results depend on, how it ends.
#include "worker/training/run/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/worker/training/run/trainer_fixture.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

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
  spec.options["norm"] = std::string("none");
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

// The weights broke in the last step, whose loss was that of the weights before it.
TEST_F(TrainerTest, ValidationLossThatIsNanIsDivergence) {
  TrialSpec spec = Spec(1);
  spec.resource = Resource::kStep;
  spec.options["norm"] = std::string("none");
  spec.options["optimizer"] = std::string("adagrad");
  spec.options["epsilon"] = 5e-324;  // 0 in 32 bits, and 0/0 where a weight has no gradient
  spec.options["schedule"] = std::string("constant");
  spec.options["warmup_epochs"] = 0.0;
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kInfeasible);
  EXPECT_EQ(result.reason, "diverged: the validation loss is nan at optimiser step 1");
  ASSERT_EQ(script.measurements.size(), 1u);
  EXPECT_TRUE(std::isfinite(script.measurements[0].metrics.at("train_loss")));
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
      {"dataset", std::string("cifar"), "dataset: cifar is unknown"},
      {"max_train_examples", int64_t{1}, "1 examples cannot be split in two"},
      {"batch_size", int64_t{1}, "batch_size 1: a model with batch normalisation needs 2 or more"},
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

TEST_F(TrainerTest, ObjectiveThatIsNotMeasuredIsInfeasible) {
  TrialSpec spec = Spec(4);
  for (const char* objective : {"val_acc", "val_rmse", "memory_bytes"}) {
    spec.objective = objective;
    Script script;
    const TrialResult result = Run(spec, script);
    EXPECT_EQ(result.ending, Ending::kInfeasible);
    EXPECT_THAT(result.reason, HasSubstr("objective " + spec.objective +
                                         " is not measured in this task; want one of "
                                         "train_loss, val_loss, val_accuracy, "));
    EXPECT_THAT(script.order, SizeIs(0));
  }
  spec.objective = "val_top5_accuracy";  // of four classes
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kInfeasible);
  EXPECT_EQ(result.reason, "objective val_top5_accuracy is not defined on these examples");
  EXPECT_TRUE(script.measurements.empty());
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

// An example alone has no variance: batch normalisation over it would make its running variance NaN.
TEST_F(TrainerTest, PartsOfABatchLeaveBatchNormalisationItsStatistics) {
  TrialSpec spec = Spec(1);
  spec.options["model"] = std::string("mlp");
  spec.options["batch_size"] = int64_t{5};
  spec.options["accumulation_steps"] = int64_t{5};
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kDone) << result.reason;
  EXPECT_TRUE(std::isfinite(script.measurements.at(0).metrics.at("val_loss")));
  EXPECT_TRUE(std::isfinite(result.metrics.at("test_loss")));
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

}  // namespace
}  // namespace athanor::training
