// What a trial can be asked to do beside training to its end: early ends, averages, parts, freezing, checks, artifacts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/worker/training/run/trainer_fixture.h"
#include "worker/training/checkpoints/description.h"
#include "worker/training/run/trainer.h"

namespace athanor::training {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::SizeIs;

class TrainerExtrasTest : public TrainerTest {
 protected:
  // The measurements of a trial, and of the same one interrupted after `pause_after` optimiser steps.
  void ExpectExactResume(const TrialSpec& spec, int64_t pause_after) {
    TrialSpec held = spec;
    held.hold_at = {spec.until};
    Script whole;
    ASSERT_EQ(Run(held, whole).ending, Ending::kStopped);
    Script first;
    first.command_at = pause_after;
    first.command = Command::kPause;
    ASSERT_EQ(Run(held, first).ending, Ending::kPaused);
    held.checkpoints = {first.checkpoints.at(0).path};
    Script second;
    ASSERT_EQ(Run(held, second).ending, Ending::kStopped);
    std::vector<Measurement> pieces = first.measurements;
    pieces.insert(pieces.end(), second.measurements.begin(), second.measurements.end());
    EXPECT_EQ(pieces, whole.measurements) << "paused after " << pause_after;
    EXPECT_EQ(Contents(second.checkpoints.back()), Contents(whole.checkpoints.back())) << "after " << pause_after;
  }

  static std::string ContentsOf(const ArtifactReport& report) {
    std::ifstream in(report.path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
};

TEST_F(TrainerExtrasTest, EverythingThatHasStateResumesBitForBit) {
  struct Case {
    const char* what;
    NamedValues options;
  };
  const Case cases[] = {
      {"average", {{"weight_average_decay", 0.9}}},
      {"ranger", {{"optimizer", std::string("ranger")}, {"lookahead_steps", int64_t{4}}}},
      {"lamb", {{"optimizer", std::string("lamb")}, {"decay_all", false}, {"weight_decay", 0.1}}},
      {"plateau", {{"schedule", std::string("plateau")}, {"plateau_patience", int64_t{0}}, {"plateau_threshold", 0.2}}},
      {"augmentation",
       {{"crop_padding", int64_t{1}}, {"flip_horizontal", true}, {"rotation", 10.0}, {"cutout", int64_t{3}}}},
      {"mixup", {{"mixup", 0.4}}},
      {"oversample", {{"rebalance", std::string("oversample")}}},
      {"parts", {{"accumulation_steps", int64_t{3}}}},
      {"freeze", {{"freeze_epochs", 1.5}, {"backbone_learning_rate_factor", 0.1}}},
      {"bf16", {{"precision", std::string("bf16")}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    TrialSpec spec = Spec(3);
    for (const auto& [name, value] : c.options) spec.options[name] = value;
    ExpectExactResume(spec, 8);
  }
}

TEST_F(TrainerExtrasTest, PatienceEndsTheTrialDone) {
  TrialSpec spec = Spec(4);
  spec.options["patience"] = int64_t{2};
  spec.options["min_delta"] = 1e9;  // nothing but the first value is better
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kDone);
  EXPECT_EQ(result.step, 3);
  EXPECT_THAT(result.metrics, Contains(Key("test_accuracy")));
  EXPECT_THAT(script.measurements, SizeIs(3));
  ASSERT_THAT(script.warnings, SizeIs(1));
  EXPECT_THAT(script.warnings[0], HasSubstr("ending at step 3: 2 measurements without a better objective than"));
}

TEST_F(TrainerExtrasTest, TrialThatEndedEarlyStaysEndedAfterResuming) {
  TrialSpec spec = Spec(4);
  spec.options["stop_at"] = 100.0;  // any val_loss is as good
  spec.hold_at = {1};
  spec.final_checkpoint = true;
  Script script;
  script.answers = {Command::kContinue};
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kDone);
  EXPECT_EQ(result.step, 1);
  EXPECT_THAT(script.order, ElementsAre("started", "checkpoint 1", "metrics 1", "hold", "checkpoint 1"));

  spec.checkpoints = {script.checkpoints.back().path};
  Script again;
  const TrialResult resumed = Run(spec, again);
  EXPECT_EQ(resumed.ending, Ending::kDone);
  EXPECT_EQ(resumed.metrics, result.metrics);
  EXPECT_THAT(again.measurements, SizeIs(0));
}

TEST_F(TrainerExtrasTest, HalvingOnPlateausEndsTheTrial) {
  TrialSpec spec = Spec(40);
  spec.options["epochs"] = int64_t{40};
  spec.options["schedule"] = std::string("halve_on_plateau");
  spec.options["plateau_patience"] = int64_t{0};
  spec.options["plateau_threshold"] = 0.99;  // hardly anything is better
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kDone);
  EXPECT_LT(result.step, 40);
  EXPECT_THAT(script.warnings, Contains(HasSubstr("halve_on_plateau")));
}

TEST_F(TrainerExtrasTest, LossAboveTheBoundIsDivergence) {
  TrialSpec spec = Spec(4);
  spec.options["max_train_loss"] = 0.001;
  Script script;
  const TrialResult result = Run(spec, script);
  EXPECT_EQ(result.ending, Ending::kInfeasible);
  EXPECT_THAT(result.reason, HasSubstr("above max_train_loss 0.001"));
  EXPECT_THAT(script.measurements, SizeIs(1));
}

TEST_F(TrainerExtrasTest, PartsOfABatchAddUpToTheBatch) {
  TrialSpec spec = Spec(2);
  spec.options["norm"] = std::string("none");  // it would see other batches
  spec.options["dropout"] = 0.0;
  Script whole, parts;
  Run(spec, whole);
  spec.options["accumulation_steps"] = int64_t{4};
  Run(spec, parts);
  ASSERT_EQ(whole.measurements.size(), parts.measurements.size());
  for (size_t i = 0; i < whole.measurements.size(); ++i) {
    EXPECT_NEAR(whole.measurements[i].metrics.at("train_loss"), parts.measurements[i].metrics.at("train_loss"), 1e-4);
    EXPECT_NEAR(whole.measurements[i].metrics.at("val_loss"), parts.measurements[i].metrics.at("val_loss"), 1e-4);
  }
}

TEST_F(TrainerExtrasTest, FreezingTrainsTheHeadAlone) {
  TrialSpec spec = Spec(1);
  spec.options["freeze_epochs"] = int64_t{1};
  spec.hold_at = {1};
  const auto parameters = [&](double rate) {
    spec.options["learning_rate"] = rate;
    Script script;
    Run(spec, script);
    return Contents(script.checkpoints.at(0)).at("parameters");
  };
  const std::string slow = parameters(1e-9), fast = parameters(0.1);
  // LeNet's head is its last layer: 16 inputs, 4 classes; weights and bias are the last of the parameters.
  const size_t head_bytes = (16 * 4 + 16) * sizeof(float);
  ASSERT_GT(slow.size(), head_bytes);
  EXPECT_EQ(slow.substr(0, slow.size() - head_bytes), fast.substr(0, fast.size() - head_bytes));
  EXPECT_NE(slow, fast);
}

TEST_F(TrainerExtrasTest, OverfittingOneBatchTellsWhatCanLearn) {
  TrialSpec spec = Spec(1);
  spec.options["checks"] = std::string("overfit_batch");
  spec.options["dropout"] = 0.0;
  spec.options["learning_rate"] = 0.1;
  Script able;
  EXPECT_EQ(Run(spec, able).ending, Ending::kDone);
  spec.options["dropout"] = 0.5;  // what is learnt shows without it
  Script hidden;
  EXPECT_EQ(Run(spec, hidden).ending, Ending::kDone);

  spec.options["learning_rate"] = 1e-7;
  Script unable;
  const TrialResult result = Run(spec, unable);
  EXPECT_EQ(result.ending, Ending::kInfeasible);
  EXPECT_THAT(result.reason, HasSubstr("overfit_batch: the loss on one batch of 30 examples went from"));
}

TEST_F(TrainerExtrasTest, ChecksChangeNothingInTheTraining) {
  TrialSpec spec = Spec(2);
  Script plain, checked;
  Run(spec, plain);
  spec.options["checks"] = std::string("lr_range_test");
  Run(spec, checked);
  EXPECT_EQ(plain.measurements, checked.measurements);
  ASSERT_THAT(checked.artifacts, SizeIs(1));
  EXPECT_EQ(checked.artifacts[0].name, "lr_range.csv");
  EXPECT_EQ(checked.artifacts[0].step, 0);
  const std::string csv = ContentsOf(checked.artifacts[0]);
  EXPECT_EQ(csv.size(), static_cast<size_t>(checked.artifacts[0].size));
  EXPECT_THAT(csv, HasSubstr("learning_rate,loss\n"));
}

TEST_F(TrainerExtrasTest, ReportsAreLeftAsArtifacts) {
  TrialSpec spec = Spec(2);
  spec.options["reports"] = true;
  spec.options["histogram_interval"] = int64_t{2};
  spec.options["sample_inputs"] = int64_t{8};
  Script script;
  ASSERT_EQ(Run(spec, script).ending, Ending::kDone);
  EXPECT_THAT(script.order, ElementsAre("artifact inputs.pgm 0", "artifact inputs.csv 0", "started", "metrics 1",
                                        "artifact histograms.json 2", "artifact inputs.pgm 2", "artifact inputs.csv 2",
                                        "metrics 2", "artifact per_class.csv 2", "artifact confusion.csv 2",
                                        "artifact roc.csv 2", "artifact pr.csv 2"));
  for (const ArtifactReport& artifact : script.artifacts) {
    EXPECT_EQ(ContentsOf(artifact).size(), static_cast<size_t>(artifact.size)) << artifact.name;
  }
}

TEST_F(TrainerExtrasTest, HistogramsNeedNoMeasurementAtTheirStep) {
  TrialSpec spec = Spec(7);
  spec.resource = Resource::kStep;
  spec.options["steps"] = int64_t{7};
  spec.options["evaluation_interval"] = int64_t{5};
  spec.options["histogram_interval"] = int64_t{3};
  Script script;
  ASSERT_EQ(Run(spec, script).ending, Ending::kDone);
  EXPECT_THAT(script.order, ElementsAre("started", "artifact histograms.json 3", "metrics 5",
                                        "artifact histograms.json 6", "metrics 7"));
}

TEST_F(TrainerExtrasTest, FullMetricsAndAnObjectiveAmongThem) {
  TrialSpec spec = Spec(1);
  Script basic;
  Run(spec, basic);
  EXPECT_THAT(basic.measurements.at(0).metrics, SizeIs(3));

  spec.objective = "val_f1";
  spec.goal = Goal::kMaximize;
  Script of_objective;
  const TrialResult result = Run(spec, of_objective);
  EXPECT_THAT(of_objective.measurements.at(0).metrics, Contains(Key("val_f1")));
  EXPECT_THAT(of_objective.measurements.at(0).metrics, Not(Contains(Key("memory_bytes"))));
  EXPECT_THAT(result.metrics, Contains(Key("test_f1")));

  spec.options["metrics"] = std::string("full");
  Script full;
  Run(spec, full);
  for (const char* name : {"val_precision", "val_recall", "val_roc_auc", "val_pr_auc", "learning_rate", "gradient_norm",
                           "examples_per_second", "memory_bytes"}) {
    EXPECT_THAT(full.measurements.at(0).metrics, Contains(Key(name)));
  }
}

TEST_F(TrainerExtrasTest, CheckpointsSayWhatTheyHold) {
  TrialSpec spec = Spec(1);
  spec.hold_at = {1};
  Script script;
  Run(spec, script);
  const ModelDescription description = ReadDescription(Contents(script.checkpoints.at(0)).at("description"));
  EXPECT_EQ(description.options, spec.options);
  EXPECT_EQ(description.shape.height, 12);
  EXPECT_EQ(description.shape.outputs, 4);
  EXPECT_THAT(description.normalization.mean, SizeIs(1));
}

TEST_F(TrainerExtrasTest, TeacherIsImitated) {
  TrialSpec spec = Spec(3);
  spec.hold_at = {3};
  Script teacher;
  Run(spec, teacher);
  spec.hold_at = {};
  spec.seed = 7;
  spec.options["teacher"] = teacher.checkpoints.at(0).path.string();
  spec.options["distillation_weight"] = 1.0;
  Script student;
  const TrialResult result = Run(spec, student);
  ASSERT_EQ(result.ending, Ending::kDone) << result.reason;
  EXPECT_LT(student.measurements.back().metrics.at("train_loss"),
            student.measurements.front().metrics.at("train_loss"));

  // With another teacher in the same place it is another trial.
  spec.final_checkpoint = true;
  Script kept;
  Run(spec, kept);
  spec.checkpoints = {kept.checkpoints.back().path};
  Script again;
  Run(spec, again);
  EXPECT_EQ(again.started->resumed_step, 3);
  std::filesystem::copy_file(kept.checkpoints.back().path, teacher.checkpoints.at(0).path,
                             std::filesystem::copy_options::overwrite_existing);
  Script other;
  Run(spec, other);
  EXPECT_EQ(other.started->resumed_step, 0);
  EXPECT_THAT(other.warnings, Contains(HasSubstr("belongs to another trial")));

  spec.options["teacher"] = (checkpoints_.path() / "none.ckpt").string();
  Script none;
  const TrialResult missing = Run(spec, none);
  EXPECT_EQ(missing.ending, Ending::kFailed);
  EXPECT_THAT(missing.reason, HasSubstr("none.ckpt"));
}

TEST_F(TrainerExtrasTest, PretrainedWeightsAreTakenOver) {
  TrialSpec spec = Spec(3);
  spec.hold_at = {3};
  Script first;
  Run(spec, first);
  spec.hold_at = {};
  spec.until = 1;
  spec.options["learning_rate"] = 1e-9;
  spec.options["pretrained"] = first.checkpoints.at(0).path.string();
  Script second;
  const TrialResult result = Run(spec, second);
  ASSERT_EQ(result.ending, Ending::kDone) << result.reason;
  EXPECT_NEAR(second.measurements.at(0).metrics.at("val_loss"), first.measurements.at(2).metrics.at("val_loss"), 0.05);
  EXPECT_FALSE(second.warnings.empty()) << "says what was taken over";
}

}  // namespace
}  // namespace athanor::training
