// The trainer and its checkpoints: when it saves, and that a trial which goes on from one equals one that never
// stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/worker/training/run/trainer_fixture.h"
#include "worker/training/run/trainer.h"

namespace athanor::training {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

using TrainerCheckpointTest = TrainerTest;

TEST_F(TrainerCheckpointTest, ResumedTrialEqualsUninterruptedOneBitForBit) {
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

TEST_F(TrainerCheckpointTest, FinalEvaluationUsesTheBestWeightsAlsoAfterResuming) {
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

TEST_F(TrainerCheckpointTest, SkipsDamagedAndForeignCheckpointsForTheNextOlder) {
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

TEST_F(TrainerCheckpointTest, HoldsWithTheCheckpointBeforeTheMeasurement) {
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

TEST_F(TrainerCheckpointTest, GoesOnWithoutACheckpointThatCannotBeWritten) {
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

TEST_F(TrainerCheckpointTest, TrialPausedAtItsLastStepEndsAtOnceWhenResumed) {
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

TEST_F(TrainerCheckpointTest, ElapsedGoesOnAfterAResume) {
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

TEST_F(TrainerCheckpointTest, SavesOnItsOwnAtTheInterval) {
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
