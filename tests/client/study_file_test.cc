#include "client/api/study_file.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <filesystem>
#include <string>

#include "client/cli/output.h"
#include "client/cli/wire_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/core/study_spec.h"
#include "server/rpc/convert_study_spec.h"

namespace athanor {
namespace {

using ::google::protobuf::util::MessageDifferencer;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

v1::StudySpec FromText(const std::string& text) {
  v1::StudySpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
  return spec;
}

// A study file of four lines, with `more` after them.
std::string File(const std::string& more) {
  return "name: s\n"
         "objective: {metric: m, goal: minimize}\n"
         "parameters:\n"
         "  lr: {type: float, min: 0.1, max: 1}\n" +
         more;
}

TEST(StudyFileTest, TheExampleOfTheSpecificationParses) {
  const auto file = ReadStudyFile(EXAMPLES "/fashion-lenet.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  const v1::StudySpec want = FromText(R"pb(
    name: "fashion-lenet"
    description: "first look"
    labels { key: "team" value: "vision" }
    objectives { metric: "val_accuracy" goal: GOAL_MAXIMIZE }
    resource: RESOURCE_EPOCH
    parameters {
      name: "learning_rate"
      type: PARAMETER_TYPE_FLOAT
      min { float_value: 1e-4 }
      max { float_value: 1 }
      scale: SCALE_LOG
    }
    parameters {
      name: "batch_size"
      type: PARAMETER_TYPE_CATEGORICAL
      values { int_value: 32 }
      values { int_value: 64 }
      values { int_value: 128 }
      values { int_value: 256 }
    }
    parameters {
      name: "channels"
      type: PARAMETER_TYPE_INT
      min { int_value: 8 }
      max { int_value: 64 }
      step { int_value: 8 }
    }
    parameters {
      name: "optimizer"
      type: PARAMETER_TYPE_CATEGORICAL
      values { string_value: "sgd" }
      values { string_value: "adam" }
    }
    parameters {
      name: "momentum"
      type: PARAMETER_TYPE_FLOAT
      min { float_value: 0 }
      max { float_value: 0.99 }
      when {
        parent: "optimizer"
        values { string_value: "sgd" }
      }
    }
    search { method: "random" seed: 42 }
    early_stopping { asha { min_resource: 1 max_resource: 27 reduction_factor: 3 } }
    budget { trials: 60 parallel: 8 wall_clock_ms: 7200000 max_failures: 10 target: 0.93 }
    retry { max_attempts: 3 stall_timeout_ms: 600000 }
    requirements { device: "cuda" devices: 1 }
    checkpoint { interval_ms: 300000 keep_best: 1 }
    trainer {
      name: "model"
      value { string_value: "lenet" }
    }
    trainer {
      name: "dataset"
      value { string_value: "fashion-mnist" }
    }
    trainer {
      name: "epochs"
      value { int_value: 27 }
    }
  )pb");
  EXPECT_TRUE(MessageDifferencer::Equals(file->spec, want)) << file->spec.DebugString();
}

TEST(StudyFileTest, EveryExampleIsAcceptedAndSurvivesBeingWrittenAndReadAgain) {
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EXAMPLES)) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path());
    ++examples;
    const auto file = ReadStudyFile(entry.path());
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->spec.name(), entry.path().stem());
    absl::StatusOr<StudySpec> spec = FromProto(file->spec);
    ASSERT_TRUE(spec.ok()) << spec.status();
    EXPECT_TRUE(Complete(*spec).ok()) << Locate(*file, Complete(*spec));
    const std::string yaml = cli::ToYamlText(cli::ToJson(file->spec));
    const auto again = ParseStudyFile(yaml, "again.yaml");
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << yaml;
    EXPECT_EQ(cli::ToYamlText(cli::ToJson(again->spec)), yaml);
    EXPECT_EQ(again->spec.parameters_size(), file->spec.parameters_size());
  }
  EXPECT_GT(examples, 10);
}

TEST(StudyFileTest, EarlyStoppingKeepsWhatTheFileGivesAndNothingElse) {
  const struct {
    const char* yaml;
    const char* want;
  } kCases[] = {
      {"{method: none}", ""},
      {"{method: median}", "median {}"},
      {"{method: median, startup_trials: 0, warmup_steps: 2}", "median { startup_trials: 0 warmup_steps: 2 }"},
      {"{method: percentile, percentile: 25, interval_steps: 3, min_trials: 2}",
       "percentile { percentile: 25 interval_steps: 3 min_trials: 2 }"},
      {"{method: asha}", "asha {}"},
      {"{method: asha, finalists: 0}", "asha { finalists: 0 }"},
      {"{method: asha, brackets: 3}", "asha { brackets: 3 }"},
      {"{method: hyperband}", "hyperband {}"},
      {"{method: hyperband, max_resource: 81, finalists: 0, synchronous: true}",
       "hyperband { max_resource: 81 finalists: 0 synchronous: true }"},
      {"{method: threshold, upper: 10}", "threshold { upper: 10 }"},
      {"{method: threshold, lower: 0, warmup_steps: 2, interval_steps: 3}",
       "threshold { lower: 0 warmup_steps: 2 interval_steps: 3 }"},
      {"{method: patience}", "patience {}"},
      {"{method: patience, patience: 0, min_delta: 0.5}", "patience { patience: 0 min_delta: 0.5 }"},
      {"{method: patience, inner: {method: percentile, percentile: 25}}",
       "patience { inner { percentile { percentile: 25 } } }"},
      {"{method: asha_stopping, min_resource: 2, startup_trials: 4}",
       "asha_stopping { min_resource: 2 startup_trials: 4 }"},
  };
  for (const auto& test : kCases) {
    const auto file = ParseStudyFile(File(std::string("early_stopping: ") + test.yaml), "f.yaml");
    ASSERT_TRUE(file.ok()) << file.status();
    v1::EarlyStopping want;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(test.want, &want));
    EXPECT_TRUE(MessageDifferencer::Equals(file->spec.early_stopping(), want)) << test.yaml;
    const std::string yaml = cli::ToYamlText(cli::ToJson(file->spec));
    const auto again = ParseStudyFile(yaml, "again.yaml");
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << yaml;
    EXPECT_TRUE(MessageDifferencer::Equals(again->spec.early_stopping(), want)) << yaml;
  }
}

TEST(StudyFileTest, ValuesKeepTheirType) {
  const auto file = ParseStudyFile(
      "{\"name\": \"s\", \"objective\": {\"metric\": \"m\", \"goal\": \"maximize\"},"
      " \"parameters\": {\"x\": {\"type\": \"categorical\", \"values\": [1, 1.0, \"1\", true]}}}",
      "f.json");
  ASSERT_TRUE(file.ok()) << file.status();
  const v1::StudySpec want = FromText(R"pb(
    name: "s"
    objectives { metric: "m" goal: GOAL_MAXIMIZE }
    parameters {
      name: "x"
      type: PARAMETER_TYPE_CATEGORICAL
      values { int_value: 1 }
      values { float_value: 1 }
      values { string_value: "1" }
      values { bool_value: true }
    }
  )pb");
  EXPECT_TRUE(MessageDifferencer::Equals(file->spec, want)) << file->spec.DebugString();
}

TEST(StudyFileTest, BadStructureIsRefusedWithLinePathValueAndWhatIsWanted) {
  const struct {
    std::string text;
    const char* want;
  } kCases[] = {
      {"", "f.yaml:1: found nothing; want a map"},
      {"- a\n", "f.yaml:1: found a list; want a map"},
      {"objective: {}\n", "f.yaml:1: the key \"name\" is missing"},
      {"name: 7\nobjective: {metric: m, goal: maximize}\nparameters: {}\n",
       "f.yaml:1: name: found int 7; want a string (put it in quotes)"},
      {"name: s\nobjective: {metric: m}\nparameters: {}\n", "f.yaml:2: objective: the key \"goal\" is missing"},
      {"name: s\nobjective: {metric: m, goal: maximise}\nparameters: {}\n",
       "f.yaml:2: objective.goal: found string \"maximise\"; want one of maximize, minimize; did you mean maximize?"},
      {"name: s\nobjective: {metric: m, goal: maximize}\n", "f.yaml:1: the key \"parameters\" is missing"},
      {File("serch: {method: grid}\n"), "f.yaml:5: serch: unknown key; did you mean \"search\"?"},
      {File("resource: epochs\n"),
       "f.yaml:5: resource: found string \"epochs\"; want one of epoch, step; did you mean epoch?"},
      {File("name: t\n"), "f.yaml:5: duplicate key \"name\""},
      {File("  lr: {type: int, min: 1, max: 2}\n"), "f.yaml:5: duplicate key \"lr\""},
      {File("  a: 3\n"), "f.yaml:5: parameters.a: found int 3; want a map"},
      {File("  a: {min: 1, max: 2}\n"), "f.yaml:5: parameters.a: the key \"type\" is missing"},
      {File("  a: {tpye: int, min: 1, max: 2}\n"), "f.yaml:5: parameters.a.tpye: unknown key; did you mean \"type\"?"},
      {File("  a: {type: integer, min: 1, max: 2}\n"),
       "f.yaml:5: parameters.a.type: found string \"integer\"; want one of float, int, categorical"},
      {File("  a: {type: int, min: 1.5, max: 2}\n"), "f.yaml:5: parameters.a.min: found float 1.5; want an int"},
      {File("  a: {type: int, min: 1}\n"), "f.yaml:5: parameters.a: the key \"max\" is missing"},
      {File("  a: {type: float, min: low, max: 2}\n"),
       "f.yaml:5: parameters.a.min: found string \"low\"; want a float"},
      {File("  a: {type: float, min: 1, max: 2, scale: ln}\n"),
       "f.yaml:5: parameters.a.scale: found string \"ln\"; want one of linear, log"},
      {File("  a: {type: int, min: 1, max: 2, points: 3}\n"),
       "f.yaml:5: parameters.a.points: unknown key; want one of type, min, max, scale, step, when"},
      {File("  a: {type: categorical, values: 3}\n"), "f.yaml:5: parameters.a.values: found int 3; want a list"},
      {File("  a: {type: categorical, values: [1, [2]]}\n"),
       "f.yaml:5: parameters.a.values[1]: found a list; want a single value"},
      {File("  a: {type: categorical, min: 1}\n"),
       "f.yaml:5: parameters.a.min: unknown key; want one of type, values, when"},
      {File("  a:\n    type: int\n    min: 1\n    max: 2\n    when: {lr: 0.1}\n"),
       "f.yaml:9: parameters.a.when.lr: found float 0.1; want a list"},
      {File("search: {method: grid, seed: -1}\n"), "f.yaml:5: search.seed: found int -1; want an int >= 0"},
      {File("early_stopping: {min_resource: 1}\n"),
       "f.yaml:5: early_stopping.min_resource: unknown key; want one of method"},
      {File("early_stopping: {method: ahsa}\n"),
       "f.yaml:5: early_stopping.method: found string \"ahsa\"; want one of asha, asha_stopping, hyperband, median, "
       "none, patience, percentile, threshold; did you mean asha?"},
      {File("early_stopping: {method: patience, inner: {method: asha}}\n"),
       "f.yaml:5: early_stopping.inner.method: found string \"asha\"; want one of median, percentile, threshold"},
      {File("early_stopping: {method: hyperband, brackets: 3}\n"),
       "f.yaml:5: early_stopping.brackets: unknown key; want one of method, min_resource, max_resource, "
       "reduction_factor, finalists, synchronous"},
      {File("early_stopping: {method: median, percentile: 30}\n"),
       "f.yaml:5: early_stopping.percentile: unknown key; want one of method, startup_trials, warmup_steps, "
       "interval_steps, min_trials"},
      {File("early_stopping: {method: asha, startup_trials: 3}\n"),
       "f.yaml:5: early_stopping.startup_trials: unknown key; want one of method, min_resource, max_resource, "
       "reduction_factor, finalists, brackets"},
      {File("early_stopping: {method: none, min_resource: 3}\n"),
       "f.yaml:5: early_stopping.min_resource: unknown key; want one of method"},
      {File("budget: {trials: many}\n"), "f.yaml:5: budget.trials: found string \"many\"; want an int"},
      {File("budget: {wall_clock: 10}\n"),
       "f.yaml:5: budget.wall_clock: found int 10; want a duration such as 250ms, 10s, 5m, 2h or 7d"},
      {File("labels: {gpu: 1}\n"), "f.yaml:5: labels.gpu: found int 1; want a string (put it in quotes)"},
      {File("trainer: {layers: [1]}\n"), "f.yaml:5: trainer.layers: found a list; want a single value"},
      {File("trainer: {epochs: }\n"), "f.yaml:5: trainer.epochs: found nothing; want a single value"},
  };
  for (const auto& test : kCases) {
    const auto file = ParseStudyFile(test.text, "f.yaml");
    ASSERT_FALSE(file.ok()) << test.text;
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << test.text;
    EXPECT_EQ(Message(file.status()), test.want) << test.text;
  }
}

TEST(StudyFileTest, TheCoordinatorsRefusalGetsFileAndLine) {
  const auto file = ParseStudyFile(File("trainer: {model: lenet}\n"), "f.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  const struct {
    absl::Status status;
    const char* want;
  } kCases[] = {
      {absl::InvalidArgumentError("parameters.lr.min: 2 is above max 1"),
       "f.yaml:4: parameters.lr.min: 2 is above max 1"},
      {absl::InvalidArgumentError("trainer.modl: unknown: x"), "f.yaml:5: trainer.modl: unknown: x"},
      {absl::InvalidArgumentError("budget.trials: 0 is no budget"), "f.yaml:1: budget.trials: 0 is no budget"},
      {absl::InvalidArgumentError("request_id: used already"), "request_id: used already"},
      {absl::InvalidArgumentError("no colon"), "no colon"},
      {absl::AlreadyExistsError("name: s is taken"), "name: s is taken"},
  };
  for (const auto& test : kCases) {
    const absl::Status located = Locate(*file, test.status);
    EXPECT_EQ(located.code(), test.status.code());
    EXPECT_EQ(Message(located), test.want);
  }
}

TEST(StudyFileTest, AFileThatCannotBeReadIsNamed) {
  const absl::Status missing = ReadStudyFile("/nonexistent/s.yaml").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(missing), "/nonexistent/s.yaml: cannot be opened: No such file or directory");
  const absl::Status folder = ReadStudyFile("/tmp").status();
  EXPECT_EQ(folder.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(folder), "/tmp: cannot be read; want a file of YAML or JSON");
}

}  // namespace
}  // namespace athanor
