// The real athanor-trainer program, used on a checkpoint of a trial that was trained here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/worker/training/run/trainer_fixture.h"

namespace athanor::training {
namespace {

using testing::HasSubstr;

struct Output {
  int status = 0;
  std::string text;  // of both streams
};

class CommandsTest : public TrainerTest {
 protected:
  CommandsTest() {
    TrialSpec spec = Spec(3);
    spec.final_checkpoint = true;
    Script script;
    result_ = Run(spec, script);
    checkpoint_ = script.checkpoints.at(0).path;
  }

  static Output Command(const std::string& arguments) {
    FILE* pipe = popen((std::string(ATHANOR_TRAINER_PROGRAM) + " " + arguments + " 2>&1").c_str(), "r");
    Output output;
    std::array<char, 4096> piece;
    for (size_t size; (size = fread(piece.data(), 1, piece.size(), pipe)) > 0;) output.text.append(piece.data(), size);
    output.status = WEXITSTATUS(pclose(pipe));
    return output;
  }
  // Trains another trial and measures what it left, on the data in `data_dir` if that is given: the test losses.
  std::pair<double, double> TrainedAndEvaluatedLoss(const NamedValues& options, const std::string& data_dir = "") {
    TrialSpec spec = Spec(1);
    spec.options = options;
    spec.final_checkpoint = true;
    Script script;
    const TrialResult result = Run(spec, script);
    EXPECT_EQ(result.ending, Ending::kDone) << result.reason;
    const Output output = Command("evaluate --checkpoint " + script.checkpoints.at(0).path.string() +
                                  (data_dir.empty() ? "" : " --data-dir " + data_dir));
    EXPECT_EQ(output.status, 0) << output.text;
    const size_t loss = output.text.find("test_loss ");
    if (output.status != 0 || loss == std::string::npos) return {result.metrics.at("test_loss"), -1};
    return {result.metrics.at("test_loss"), std::stod(output.text.substr(loss + 10))};
  }
  std::string Checkpoint() const { return " --checkpoint " + checkpoint_.string(); }
  std::string Out(const std::string& name) const { return (checkpoints_.path() / name).string(); }

  TrialResult result_;
  std::filesystem::path checkpoint_;
};

std::vector<std::vector<std::string>> ReadCsv(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

TEST_F(CommandsTest, EvaluateGivesTheMeasuresOfTheTrial) {
  const Output output = Command("evaluate" + Checkpoint());
  ASSERT_EQ(output.status, 0) << output.text;
  std::istringstream lines(output.text);
  Metrics metrics;
  for (std::string name, value; lines >> name >> value;) metrics[name] = std::stod(value);
  EXPECT_EQ(metrics.at("test_accuracy"), result_.metrics.at("test_accuracy"));
  EXPECT_EQ(metrics.at("test_loss"), result_.metrics.at("test_loss"));
  EXPECT_EQ(metrics.count("test_f1"), 1u);
}

TEST_F(CommandsTest, EvaluateAnswersInThePrecisionOfTheTraining) {
  TrialSpec spec = Spec(3);
  spec.options["precision"] = std::string("bf16");
  spec.final_checkpoint = true;
  Script script;
  const TrialResult result = Run(spec, script);
  const Output output = Command("evaluate --checkpoint " + script.checkpoints.at(0).path.string());
  ASSERT_EQ(output.status, 0) << output.text;
  char expected[64];
  std::snprintf(expected, sizeof expected, "test_loss %.17g\n", result.metrics.at("test_loss"));
  EXPECT_THAT(output.text, HasSubstr(expected));
  EXPECT_EQ(Command("export --checkpoint " + script.checkpoints.at(0).path.string() + " --out " + Out("plain")).status,
            0);
  EXPECT_EQ(ReadFile(Out("plain/model.pt")).find("BFloat16"), std::string::npos) << "handed on in 32 bits";
}

TEST_F(CommandsTest, EvaluateKnowsTheCategoriesOfATable) {
  for (const char* categories : {"one_hot", "embedded"}) {
    const auto [trained, evaluated] = TrainedAndEvaluatedLoss({{"dataset", std::string("synthetic_table")},
                                                               {"task", std::string("regression")},
                                                               {"model", std::string("mlp")},
                                                               {"max_train_examples", int64_t{200}},
                                                               {"categories", std::string(categories)}});
    EXPECT_EQ(trained, evaluated) << categories;
  }
}

// A file of CIFAR-10 all of whose pixels are at most `brightest`.
std::string CifarRecords(int records, int brightest) {
  std::string file;
  for (int record = 0; record < records; ++record) {
    file += static_cast<char>(record % 10);
    for (int i = 0; i < 3072; ++i) file += static_cast<char>((record * 31 + i * 7) % (brightest + 1));
  }
  return file;
}

TEST_F(CommandsTest, EvaluateStandardisesColoursAsTheTrainingDid) {
  // The same test part beside a brighter and a darker training part.
  const TemporaryFolder bright, dark;
  for (const TemporaryFolder* folder : {&bright, &dark}) {
    WriteFile(folder->path() / "data_batch_1.bin", CifarRecords(40, folder == &bright ? 255 : 60));
    WriteFile(folder->path() / "test_batch.bin", CifarRecords(20, 200));
  }
  const auto [trained, evaluated] = TrainedAndEvaluatedLoss({{"dataset", std::string("cifar10")},
                                                             {"data_dir", bright.path().string()},
                                                             {"model", std::string("linear")},
                                                             {"batch_size", int64_t{8}}},
                                                            dark.path().string());
  EXPECT_EQ(trained, evaluated);
}

TEST_F(CommandsTest, EvaluateTakesTheTrialsDataFromTheTrial) {
  const std::string trial = Out("trial.json");
  std::ofstream(trial) << nlohmann::json{{"options", {{"dataset", "idx"}, {"data_dir", "/no/such/folder"}}},
                                         {"device", "cpu"}};
  const Output elsewhere = Command("evaluate" + Checkpoint() + " --trial " + trial);
  EXPECT_EQ(elsewhere.status, 1);
  EXPECT_THAT(elsewhere.text, HasSubstr("/no/such/folder"));
  const Output back = Command("evaluate" + Checkpoint() + " --trial " + trial + " --data-dir " + data_.path().string());
  EXPECT_EQ(back.status, 0) << back.text;
}

TEST_F(CommandsTest, CheckpointOfAnotherTrialIsRefused) {
  const std::string trial = Out("trial.json");
  std::ofstream(trial) << nlohmann::json{{"options", {{"dataset", "idx"}, {"channels", 5}}}};
  for (const std::string& verb : {std::string("evaluate"), "export --out " + Out("x")}) {
    const Output output = Command(verb + Checkpoint() + " --trial " + trial);
    EXPECT_EQ(output.status, 1) << verb;
    EXPECT_THAT(output.text, HasSubstr("the checkpoint is not of the trial in " + trial +
                                       ": channels is 5 there, 4 in the checkpoint"));
  }
}

TEST_F(CommandsTest, PredictAgreesWithTheTestsAccuracy) {
  const std::string images = (data_.path() / "t10k-images-idx3-ubyte").string();
  const Output output = Command("predict" + Checkpoint() + " --input " + images + " --out " + Out("answers.csv"));
  ASSERT_EQ(output.status, 0) << output.text;
  const auto rows = ReadCsv(Out("answers.csv"));
  ASSERT_EQ(rows.size(), 61u) << "a line for the names and 60 images";
  EXPECT_EQ(rows[0].size(), 2u + 4u);
  const std::string labels = ReadFile(data_.path() / "t10k-labels-idx1-ubyte").substr(8);
  int right = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::vector<std::string>& row = rows[i + 1];
    right += row[1] == rows[0][2 + static_cast<size_t>(labels[i])];
    double sum = 0;
    for (size_t j = 2; j < row.size(); ++j) sum += std::stod(row[j]);
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  EXPECT_DOUBLE_EQ(right / 60.0, result_.metrics.at("test_accuracy"));
}

TEST_F(CommandsTest, ExportedTorchScriptPredictsTheSame) {
  const Output exported = Command("export" + Checkpoint() + " --out " + Out("model"));
  ASSERT_EQ(exported.status, 0) << exported.text;
  const auto description = nlohmann::json::parse(ReadFile(Out("model/model.json")));
  EXPECT_EQ(description["configuration"]["channels"], 4);
  EXPECT_EQ(description["input"]["height"], 12);
  EXPECT_EQ(description["input"]["mean"].size(), 1u);
  EXPECT_EQ(description["output"]["values"], "a logit a class: softmax gives probabilities");

  // The file as a model of its own, at a rate at which nothing changes.
  TrialSpec spec = Spec(1);
  spec.options["model"] = std::string("torchscript");
  spec.options["model_file"] = Out("model/model.pt");
  spec.options["learning_rate"] = 1e-30;
  spec.final_checkpoint = true;
  Script script;
  const TrialResult again = Run(spec, script);
  ASSERT_EQ(again.ending, Ending::kDone) << again.reason;
  EXPECT_EQ(again.metrics.at("test_accuracy"), result_.metrics.at("test_accuracy"));
  EXPECT_NEAR(again.metrics.at("test_loss"), result_.metrics.at("test_loss"), 1e-6);

  std::ofstream(Out("model/model.pt"), std::ios::app) << "x";
  const Output changed = Command("evaluate --checkpoint " + script.checkpoints.back().path.string());
  EXPECT_EQ(changed.status, 1);
  EXPECT_THAT(changed.text, HasSubstr("model.pt has changed since the training"));
}

TEST_F(CommandsTest, OutputThatCannotBeWrittenLeavesNothingBehind) {
  std::filesystem::create_directories(Out("model/model.pt/in the way"));
  const Output exported = Command("export" + Checkpoint() + " --out " + Out("model"));
  EXPECT_EQ(exported.status, 1);
  EXPECT_THAT(exported.text, HasSubstr("model.pt: cannot be written"));
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(Out("model"))) left.push_back(entry.path().filename());
  EXPECT_THAT(left, testing::ElementsAre("model.pt"));
}

TEST_F(CommandsTest, ExportSaysHowCategoriesEnter) {
  for (const auto& [categories, expected] : {std::pair("one_hot", "for each category a column a value"),
                                             std::pair("embedded", "the index of each category")}) {
    TrialSpec spec = Spec(1);
    spec.options = {{"dataset", std::string("synthetic_table")},
                    {"task", std::string("regression")},
                    {"model", std::string("linear")},
                    {"max_train_examples", int64_t{200}},
                    {"categories", std::string(categories)}};
    spec.final_checkpoint = true;
    Script script;
    Run(spec, script);
    const Output exported =
        Command("export --checkpoint " + script.checkpoints.at(0).path.string() + " --out " + Out(categories));
    ASSERT_EQ(exported.status, 0) << exported.text;
    const auto input = nlohmann::json::parse(ReadFile(Out(categories + std::string("/model.json"))))["input"];
    EXPECT_THAT(input["layout"].get<std::string>(), HasSubstr(expected));
    EXPECT_EQ(input["categories"][1], nlohmann::json({"", "small", "large"}));
  }
}

TEST_F(CommandsTest, OutputThatIsNoFileIsWrittenToAsItIs) {
  const std::string pipe = Out("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = ReadFile(pipe); });
  const std::string images = (data_.path() / "t10k-images-idx3-ubyte").string();
  const Output output = Command("predict" + Checkpoint() + " --input " + images + " --out " + pipe);
  reader.join();
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_TRUE(read.starts_with("input,prediction,"));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe)) << "nothing was moved over it";
}

TEST_F(CommandsTest, WhatCannotBePrintedIsAnError) {
  const std::string images = (data_.path() / "t10k-images-idx3-ubyte").string();
  for (const std::string& command :
       {std::string("options"), "evaluate" + Checkpoint(), "predict" + Checkpoint() + " --input " + images}) {
    EXPECT_EQ(Command(command + " > /dev/full").status, 1) << command;
  }
}

TEST_F(CommandsTest, ExportedWeightsAreSafetensors) {
  const Output exported = Command("export" + Checkpoint() + " --format weights --out " + Out("model"));
  ASSERT_EQ(exported.status, 0) << exported.text;
  const std::string file = ReadFile(Out("model/model.safetensors"));
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  ASSERT_LT(length, file.size());
  const auto header = nlohmann::json::parse(file.substr(8, length));
  size_t end = 0;
  for (const auto& [name, tensor] : header.items()) {
    if (name != "__metadata__") end = std::max(end, tensor["data_offsets"][1].get<size_t>());
  }
  EXPECT_EQ(8 + length + end, file.size());
  EXPECT_EQ(header["head.bias"]["shape"], nlohmann::json({4}));
}

TEST_F(CommandsTest, WrongInputsAreSaidInOneLine) {
  WriteFile(Out("damaged.ckpt"), ReadFile(checkpoint_).substr(0, 1000));
  WriteFile(Out("text.txt"), "hello");
  struct Case {
    std::string arguments;
    int status;
    const char* expected;
  };
  const Case cases[] = {
      {"evaluate", 2, "--checkpoint is missing"},
      {"evaluate --colour red", 2, "unknown argument --colour"},
      {"evaluate --checkpoint /no/such.ckpt", 1, "/no/such.ckpt"},
      {"evaluate --checkpoint " + Out("damaged.ckpt"), 1, "damaged.ckpt"},
      {"evaluate" + Checkpoint() + " --device cuda:77", 1, "device cuda:77 does not exist here"},
      {"predict" + Checkpoint() + " --input /no/such", 1, "/no/such"},
      {"predict" + Checkpoint() + " --input " + Out("text.txt"), 1, "text.txt"},
      {"export" + Checkpoint() + " --out " + Out("x") + " --format onnx", 2, "want torchscript or weights"},
  };
  for (const Case& c : cases) {
    const Output output = Command(c.arguments);
    EXPECT_EQ(output.status, c.status) << c.arguments;
    EXPECT_THAT(output.text, HasSubstr(c.expected)) << c.arguments;
  }
}

}  // namespace
}  // namespace athanor::training
