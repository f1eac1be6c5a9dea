// `athanor trial evaluate`, `predict` and `export` with a trainer that is a script of the test.
#include <signal.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "gmock/gmock.h"
#include "tests/client/cli_fixture.h"

namespace athanor::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class CliTrialUseTest : public CliTest {
 protected:
  CliTrialUseTest() {
    folder_ = ::testing::TempDir() + "athanor-use-XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    std::filesystem::create_directories(folder_ + "/bin");
    std::filesystem::create_directories(folder_ + "/tmp");
    setenv("TMPDIR", (folder_ + "/tmp").c_str(), 1);
    program_folder_ = folder_ + "/bin";
    // What it was given, for the test to look at.
    WriteProgram("athanor-trainer", "printf '%s\\n' \"$@\" > " + folder_ + "/arguments\n" + "cp \"$3\" " + folder_ +
                                        "/trial.json\ncp \"$5\" " + folder_ + "/checkpoint\n");
    coordinator_.checkpoint.first.set_sha256(Sha256::Hex("weights"));
    coordinator_.checkpoint.first.set_step(3);
    coordinator_.checkpoint.second = "weights";
    v1::NamedValue& epochs = *coordinator_.study.mutable_spec()->add_trainer();
    epochs.set_name("epochs");
    epochs.mutable_value()->set_int_value(3);
    v1::NamedValue& odd = *coordinator_.study.mutable_spec()->add_trainer();
    odd.set_name("weight_decay");
    odd.mutable_value()->set_float_value(1);
    v1::Attempt& attempt = *coordinator_.detail.add_attempts();
    attempt.mutable_environment()->set_trainer_version("athanor-trainer 0.1.0");
  }
  ~CliTrialUseTest() override {
    unsetenv("TMPDIR");
    std::filesystem::remove_all(folder_);
  }

  void WriteProgram(const std::string& name, const std::string& script) {
    const std::string path = folder_ + "/bin/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  std::string ReadFile(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name, std::ios::binary);
    EXPECT_TRUE(file) << name;
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // The arguments that the trainer got, with @ for the temporary folder.
  std::string Arguments() const {
    std::string text = ReadFile("arguments");
    const std::string prefix = folder_ + "/tmp/athanor-";
    for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.replace(at, prefix.size() + 6, "@");
    }
    return text;
  }
  bool NothingLeft() const { return std::filesystem::is_empty(folder_ + "/tmp"); }

  std::string folder_;
};

TEST_F(CliTrialUseTest, EvaluateGivesTheTrainerTheTrialAndItsBestCheckpoint) {
  const Outcome outcome = Run({"trial", "evaluate", "quick", "0"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Arguments(), "evaluate\n--trial\n@/trial.json\n--checkpoint\n@/best.ckpt\n");
  EXPECT_EQ(ReadFile("checkpoint"), "weights");
  EXPECT_EQ(coordinator_.seen().back().target, "CHECKPOINT_CHOICE_BEST");
  EXPECT_EQ(ReadFile("trial.json"),
            "{\n"
            "  \"options\": {\n"
            "    \"epochs\": 3,\n"
            "    \"weight_decay\": 1.0,\n"
            "    \"lr\": 0.25,\n"
            "    \"opt\": \"sgd\"\n"
            "  },\n"
            "  \"seed\": \"18446744073709551615\",\n"
            "  \"device\": \"cpu\",\n"
            "  \"resource\": \"epoch\",\n"
            "  \"objective\": \"accuracy\",\n"
            "  \"goal\": \"maximize\"\n"
            "}\n");
  EXPECT_TRUE(NothingLeft());
}

TEST_F(CliTrialUseTest, EvaluateAnswersInEveryForm) {
  WriteProgram("athanor-trainer", "echo test_accuracy 0.45500000000000002; echo test_loss nan\n");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0"}).out,
            "MEASURE         VALUE\n"
            "test_accuracy  0.4550\n"
            "test_loss         nan\n");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0", "-o", "json"}).out,
            "{\n  \"test_accuracy\": 0.455,\n  \"test_loss\": \"NaN\"\n}\n");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0", "-o", "csv"}).out, "test_accuracy,test_loss\r\n0.455,nan\r\n");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0", "-q"}).out, "0\n");
  for (const char* line : {"ready", "accuracy high", "accuracy 0.5 or so", " 0.5"}) {
    WriteProgram("athanor-trainer", std::string("echo '") + line + "'\n");
    const Outcome outcome = Run({"trial", "evaluate", "quick", "0"});
    EXPECT_EQ(outcome.exit_code, kFailed) << line;
    EXPECT_THAT(outcome.err, HasSubstr(std::string("no measure and its value: \"") + line));
  }
  EXPECT_TRUE(NothingLeft());
}

TEST_F(CliTrialUseTest, EvaluatePassesDeviceAndDataOn) {
  coordinator_.study.mutable_spec()->set_resource(v1::RESOURCE_STEP);
  coordinator_.study.mutable_spec()->mutable_objectives(0)->set_goal(v1::GOAL_MINIMIZE);
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0", "--device", "cuda:1", "--data-dir", "/data"}).exit_code, 0);
  EXPECT_EQ(Arguments(), "evaluate\n--trial\n@/trial.json\n--checkpoint\n@/best.ckpt\n--data-dir\n/data\n");
  EXPECT_THAT(ReadFile("trial.json"), HasSubstr("\"device\": \"cuda:1\""));
  EXPECT_THAT(ReadFile("trial.json"), HasSubstr("\"resource\": \"step\""));
  EXPECT_THAT(ReadFile("trial.json"), HasSubstr("\"goal\": \"minimize\""));
}

TEST_F(CliTrialUseTest, NumbersThatJsonLacksAreStringsAsTheTrainerReadsThem) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::pair<double, const char*> cases[] = {
      {infinity, "\"inf\""}, {-infinity, "\"-inf\""}, {-std::nan(""), "\"nan\""}};
  for (const auto& [number, text] : cases) {
    coordinator_.study.mutable_spec()->mutable_trainer(1)->mutable_value()->set_float_value(number);
    EXPECT_EQ(Run({"trial", "evaluate", "quick", "0"}).exit_code, 0);
    EXPECT_THAT(ReadFile("trial.json"), HasSubstr(std::string("\"weight_decay\": ") + text));
  }
}

TEST_F(CliTrialUseTest, AModelFromBeforeTheBestStepIsToldAsSuch) {
  coordinator_.trials[0].set_best_value(0.5);
  coordinator_.trials[0].set_best_step(5);
  const Outcome outcome = Run({"trial", "evaluate", "quick", "0"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err,
            "athanor: trial 0 was at its best at step 5, after its newest checkpoint: this is its model of step 3\n");
}

TEST_F(CliTrialUseTest, PredictWritesToTheFileOrPrintsTheTable) {
  EXPECT_EQ(Run({"trial", "predict", "quick", "0", "--input", "photos", "--out", "p.csv"}).out, "wrote p.csv\n");
  EXPECT_EQ(Arguments(), "predict\n--trial\n@/trial.json\n--checkpoint\n@/best.ckpt\n--input\nphotos\n--out\np.csv\n");
  WriteProgram("athanor-trainer", "printf 'file,class\\na.png,3\\n' > \"$9\"\n");
  EXPECT_EQ(Run({"trial", "predict", "quick", "0", "--input", "photos"}).out, "file,class\na.png,3\n");
  EXPECT_EQ(Run({"trial", "predict", "quick", "0", "--input", "photos", "-o", "csv"}).out, "file,class\na.png,3\n");
  for (const std::vector<std::string>& form : {std::vector<std::string>{"-o", "json"}, {"-q"}}) {
    std::vector<std::string> arguments = {"trial", "predict", "quick", "0", "--input", "photos"};
    arguments.insert(arguments.end(), form.begin(), form.end());
    const Outcome refused = Run(arguments);
    EXPECT_EQ(refused.exit_code, kBadInput);
    EXPECT_THAT(refused.err, HasSubstr("predictions are CSV: name a file with --out"));
  }
  WriteProgram("athanor-trainer", "exit 0\n");
  EXPECT_THAT(Run({"trial", "predict", "quick", "0", "--input", "photos"}).err, HasSubstr("wrote no predictions"));
  EXPECT_TRUE(NothingLeft());
}

TEST_F(CliTrialUseTest, ExportNamesFolderAndFormat) {
  EXPECT_EQ(Run({"trial", "export", "quick", "0", "--out", "lenet"}).exit_code, 0);
  EXPECT_EQ(Arguments(),
            "export\n--trial\n@/trial.json\n--checkpoint\n@/best.ckpt\n--out\nlenet\n--format\ntorchscript\n");
  EXPECT_EQ(Run({"trial", "export", "quick", "0", "--out", "lenet", "--format", "weights"}).exit_code, 0);
  EXPECT_THAT(Arguments(), HasSubstr("--format\nweights\n"));
  WriteProgram("athanor-trainer", "echo lenet/model.pt; echo lenet/model.json\n");
  EXPECT_EQ(Run({"trial", "export", "quick", "0", "--out", "lenet"}).out,
            "wrote lenet/model.pt\nwrote lenet/model.json\n");
  EXPECT_EQ(Run({"trial", "export", "quick", "0", "--out", "lenet", "-q"}).out, "lenet/model.pt\nlenet/model.json\n");
  EXPECT_EQ(Run({"trial", "export", "quick", "0", "--out", "lenet", "--format", "onnx"}).exit_code, kBadInput);
  EXPECT_EQ(Run({"trial", "export", "quick", "0"}).exit_code, kBadInput);
  const Outcome device = Run({"trial", "export", "quick", "0", "--out", "lenet", "--device", "cuda:0"});
  EXPECT_EQ(device.exit_code, kBadInput);
  EXPECT_THAT(device.err, HasSubstr("--device"));
}

TEST_F(CliTrialUseTest, TheExitStatusIsTheTrainers) {
  WriteProgram("athanor-trainer", "exit 7\n");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0"}).exit_code, 7);
  WriteProgram("athanor-trainer", "kill -9 $$\n");
  EXPECT_EQ(Run({"trial", "predict", "quick", "0", "--input", "x"}).exit_code, 128 + SIGKILL);
  EXPECT_TRUE(NothingLeft());
}

TEST_F(CliTrialUseTest, AnInterruptIsPassedOnAndTheFolderGoes) {
  WriteProgram("athanor-trainer", "kill -INT $PPID\nexec sleep 60\n");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0"}).exit_code, 128 + SIGINT);
  WriteProgram("athanor-trainer", "kill -TERM $PPID\nexec sleep 60\n");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0"}).exit_code, 128 + SIGTERM);
  EXPECT_TRUE(NothingLeft());
}

TEST_F(CliTrialUseTest, TheTrainerIsFoundBesideTheProgramInPathOrByName) {
  program_folder_ = folder_ + "/elsewhere";
  const Outcome missing = Run({"trial", "evaluate", "quick", "0"});
  EXPECT_EQ(missing.exit_code, kFailed);
  EXPECT_EQ(missing.err, "athanor: the program athanor-trainer is neither in " + program_folder_ +
                             " nor in PATH; it is installed with the worker, --trainer PROGRAM names another\n");
  variables_["PATH"] = "/nowhere:" + folder_ + "/bin";
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0"}).exit_code, 0);
  variables_.erase("PATH");
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0", "--trainer", folder_ + "/bin/athanor-trainer"}).exit_code, 0);
  EXPECT_THAT(Run({"trial", "evaluate", "quick", "0", "--trainer", "/nowhere/x"}).err,
              HasSubstr("/nowhere/x is no program"));
  EXPECT_TRUE(NothingLeft());
}

TEST_F(CliTrialUseTest, WhatAnotherProgramTrainedIsRefusedUnlessOneIsNamed) {
  coordinator_.detail.mutable_attempts(0)->mutable_environment()->set_trainer_version("my_trainer.py 2");
  const Outcome refused = Run({"trial", "evaluate", "quick", "0"});
  EXPECT_EQ(refused.exit_code, kFailed);
  EXPECT_THAT(refused.err, StartsWith("athanor: trial 0 was trained by \"my_trainer.py 2\", not by athanor-trainer"));
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "0", "--trainer", folder_ + "/bin/athanor-trainer"}).exit_code, 0);
}

TEST_F(CliTrialUseTest, WithoutACheckpointNothingRuns) {
  coordinator_.checkpoint.first.clear_sha256();
  const Outcome outcome = Run({"trial", "export", "quick", "0", "--out", "x"});
  EXPECT_EQ(outcome.exit_code, kFailed);
  EXPECT_EQ(outcome.err, "athanor: trial 0 has no checkpoint any more\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/arguments"));
  EXPECT_TRUE(NothingLeft());
  EXPECT_EQ(Run({"trial", "evaluate", "nowhere", "0"}).exit_code, kFailed);
  EXPECT_EQ(Run({"trial", "evaluate", "quick", "77"}).exit_code, kFailed);
}

}  // namespace
}  // namespace athanor::cli
