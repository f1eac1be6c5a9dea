// athanor-trainer as a real child process behind pipes, spoken to as a worker does.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/trainer_options.h"
#include "tests/worker/training/test_data.h"
#include "worker/trainer/channel.h"

extern char** environ;

namespace athanor {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using training::TemporaryFolder;

struct Exit {
  int status = -1;  // exit code, or -1 if a signal ended it
  int signal = 0;
  std::string log;
};

enum class Channel { kPipes, kClosed };  // what fd 3 and 4 of the child are

class Child {
 public:
  explicit Child(std::vector<std::string> arguments = {}, Channel channel = Channel::kPipes) {
    OpenPipe(input_);
    OpenPipe(output_);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const std::string log = log_.path() / "log";
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (channel == Channel::kPipes) {
      posix_spawn_file_actions_adddup2(&actions, input_[0], 3);
      posix_spawn_file_actions_adddup2(&actions, output_[1], 4);
    }
    std::string program = ATHANOR_TRAINER_PROGRAM;
    std::vector<char*> argv = {program.data()};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + program);
    close(input_[0]);
    close(output_[1]);
    reader_.emplace(output_[0]);
  }
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    CloseInput();
    close(output_[0]);
  }

  void Send(const json& message) { SendLine(message.dump()); }
  void SendLine(const std::string& line) { ASSERT_TRUE(LineWriter(input_[1]).Write(line)); }
  void CloseInput() {
    if (input_[1] >= 0) close(input_[1]);
    input_[1] = -1;
  }
  void Kill(int signal) { kill(pid_, signal); }

  // The next message that is no `progress`; null at the end of output.
  json Next() {
    while (const std::optional<std::string> line = reader_->Read()) {
      json message = json::parse(*line);
      if (message["type"] != "progress") return message;
    }
    return nullptr;
  }
  json Next(const char* type) {
    json message = Next();
    EXPECT_EQ(message.is_null() ? "end of output" : message["type"], type) << message.dump();
    return message;
  }

  Exit Wait() {
    while (!Next().is_null()) {
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
            .log = training::ReadFile(log_.path() / "log")};
  }

 private:
  // Above 4, so that dup2 onto 3 and 4 in the child cannot overwrite an end that is still to be duplicated.
  static void OpenPipe(int (&ends)[2]) {
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) != 0) throw std::runtime_error("cannot create a pipe");
    for (int i = 0; i < 2; ++i) {
      ends[i] = fcntl(raw[i], F_DUPFD_CLOEXEC, 10);
      close(raw[i]);
    }
  }

  TemporaryFolder log_;
  int input_[2];
  int output_[2];
  pid_t pid_ = -1;
  std::optional<LineReader> reader_;
};

class TrainerProgramTest : public testing::Test {
 protected:
  TrainerProgramTest() { training::WriteDataset(data_.path(), 240, 60); }

  json Start(const std::string& trial, int64_t until) const {
    return {{"type", "start"},
            {"trial", trial},
            {"options",
             {{"dataset", "idx"},
              {"data_dir", data_.path().string()},
              {"channels", 4},
              {"kernel_size", 3},
              {"hidden_units", 16},
              {"batch_size", 32},
              {"dropout", 0.2},
              {"learning_rate", 0.05},
              {"momentum", 0.9}}},
            {"seed", "12345678901234567890"},
            {"device", "cpu"},
            {"resource", "epoch"},
            {"until", until},
            {"hold_at", json::array()},
            {"objective", "val_accuracy"},
            {"goal", "maximize"},
            {"checkpoint_dir", checkpoints_.path().string()},
            {"checkpoint_interval_ms", 0},
            {"checkpoints", json::array()},
            {"elapsed_ms", 0}};
  }
  static json Tell(const char* type, const std::string& trial) { return {{"type", type}, {"trial", trial}}; }

  TemporaryFolder data_;
  TemporaryFolder checkpoints_;
};

TEST_F(TrainerProgramTest, IntroducesItself) {
  Child child;
  const json hello = child.Next("hello");
  EXPECT_EQ(hello["protocol"], 1);
  EXPECT_EQ(hello["trainer"], "athanor-trainer");
  EXPECT_EQ(hello["option_table_hash"], TrainerOptionsHash());
  EXPECT_EQ(hello["devices"][0], "cpu");
  EXPECT_FALSE(hello["version"].get<std::string>().empty());
  EXPECT_FALSE(hello["libtorch"].get<std::string>().empty());
  EXPECT_FALSE(hello["blas"].get<std::string>().empty());
}

TEST_F(TrainerProgramTest, LogsWhereItBeginsAndWhatItMeasures) {
  Child child;
  child.Send(Start("t", 2));
  for (const char* type : {"hello", "started", "metrics", "metrics", "done"}) child.Next(type);
  child.CloseInput();
  const std::string log = child.Wait().log;
  EXPECT_THAT(log, HasSubstr("athanor-trainer: trial t: training on cpu from step 0\n"));
  EXPECT_THAT(log,
              testing::ContainsRegex("trial t: step 1 after [0-9.e-]+ s: train_loss=[0-9.]+ val_accuracy=[0-9.]+"));
  EXPECT_THAT(log, HasSubstr("trial t: step 2 after "));
}

TEST_F(TrainerProgramTest, HoldsContinuesPausesAndGoesOnInAnotherProcess) {
  json start = Start("t", 3);
  start["hold_at"] = {1, 2};
  json uninterrupted;
  {
    Child child;
    child.Send(Start("t", 3));
    child.Next("hello");
    child.Next("started");
    for (int step = 1; step <= 3; ++step) uninterrupted.push_back(child.Next("metrics")["metrics"]);
    uninterrupted.push_back(child.Next("done")["metrics"]);
  }
  json pieces;
  std::string checkpoint;
  {
    Child child;
    child.Send(start);
    child.Next("hello");
    EXPECT_EQ(child.Next("started")["resumed_step"], 0);
    EXPECT_EQ(child.Next("checkpoint_saved")["step"], 1);
    pieces.push_back(child.Next("metrics")["metrics"]);
    child.Send(Tell("continue", "t"));
    const json saved = child.Next("checkpoint_saved");
    EXPECT_EQ(saved["step"], 2);
    checkpoint = saved["path"];
    EXPECT_EQ(saved["size"], std::filesystem::file_size(checkpoint));
    pieces.push_back(child.Next("metrics")["metrics"]);
    child.Send(Tell("pause", "t"));
    EXPECT_EQ(child.Next("paused")["step"], 2);
    child.CloseInput();
    EXPECT_EQ(child.Wait().status, 0);
  }
  {
    Child child;
    start["hold_at"] = json::array();
    start["checkpoints"] = {{{"path", checkpoint}, {"step", 2}}};
    child.Send(start);
    child.Next("hello");
    EXPECT_EQ(child.Next("started")["resumed_step"], 2);
    const json metrics = child.Next("metrics");
    EXPECT_EQ(metrics["step"], 3);
    pieces.push_back(metrics["metrics"]);
    pieces.push_back(child.Next("done")["metrics"]);
  }
  EXPECT_EQ(pieces, uninterrupted);
}

TEST_F(TrainerProgramTest, ObeysInTheMiddleOfAnEpochAndIsFreeAgain) {
  Child child;
  child.Next("hello");
  child.Send(Start("long", 1000000));
  child.Next("started");
  child.Next("metrics");
  child.Send(Tell("checkpoint", "long"));
  json message = child.Next();
  while (message["type"] == "metrics") message = child.Next();
  EXPECT_EQ(message["type"], "checkpoint_saved");
  child.Send(Tell("pause", "long"));
  do message = child.Next();
  while (message["type"] == "metrics");
  EXPECT_EQ(message["type"], "checkpoint_saved");
  EXPECT_EQ(child.Next("paused")["step"], message["step"]);

  child.Send(Start("other", 1000000));
  child.Next("started");
  child.Send(Tell("stop", "other"));
  do message = child.Next();
  while (message["type"] == "metrics");
  EXPECT_EQ(message, Tell("stopped", "other"));
}

TEST_F(TrainerProgramTest, WarmChildTrainsLikeAFreshOne) {
  const auto train = [this](Child& child, const std::string& trial) {
    child.Send(Start(trial, 2));
    child.Next("started");
    return json{child.Next("metrics")["metrics"], child.Next("metrics")["metrics"], child.Next("done")["metrics"]};
  };
  Child child;
  child.Next("hello");
  json other = Start("other", 1);
  other["seed"] = "5";
  child.Send(other);
  child.Next("started");
  child.Next("metrics");
  child.Next("done");
  const json warm = train(child, "warm");
  Child fresh;
  fresh.Next("hello");
  EXPECT_EQ(train(fresh, "fresh"), warm);
}

TEST_F(TrainerProgramTest, AnswersForTrialsThatCannotBeTrainedAndGoesOn) {
  Child child;
  child.Next("hello");
  json bad_option = Start("a", 1);
  bad_option["options"]["kernel_size"] = 2;
  child.Send(bad_option);
  const json infeasible = child.Next("infeasible");
  EXPECT_EQ(infeasible["trial"], "a");
  EXPECT_THAT(infeasible["reason"].get<std::string>(), HasSubstr("kernel_size 2 is even"));

  json bad_device = Start("b", 1);
  bad_device["device"] = "tpu";
  child.Send(bad_device);
  EXPECT_THAT(child.Next("failed")["reason"].get<std::string>(), HasSubstr("device tpu does not exist"));

  json bad_start = Start("c", 1);
  bad_start.erase("seed");
  child.Send(bad_start);
  EXPECT_EQ(child.Next("failed")["reason"], "start: seed is missing");

  child.Send(Tell("stop", "a"));  // crossed with its end
  child.Send(Start("d", 1));
  child.Next("started");
  child.Next("metrics");
  EXPECT_EQ(child.Next("done")["trial"], "d");
}

TEST_F(TrainerProgramTest, ReadsWhileItsAnswersAreNotRead) {
  Child child;
  json start = Start("t", 1000000);
  start["resource"] = "step";
  start["options"]["evaluation_interval"] = 1;
  child.Send(start);
  json stale = Tell("stop", "gone");
  stale["padding"] = std::string(500000, 'x');
  for (int i = 0; i < 20; ++i) child.Send(stale);  // a pipe holds 64 KiB: this blocks for ever unless it is read
  child.Send({{"type", "exit"}});
  EXPECT_EQ(child.Wait().status, 0);
}

TEST_F(TrainerProgramTest, LeavesAtTheEndOfInputInTheMiddleOfTraining) {
  Child child;
  child.Send(Start("t", 1000000));
  child.Next("hello");
  child.Next("started");
  child.CloseInput();
  EXPECT_EQ(child.Wait().status, 0);
}

TEST_F(TrainerProgramTest, LeavesWithStatusTwoWhenTheProtocolIsBroken) {
  struct Case {
    std::string line;
    const char* expected;
  };
  for (const Case& c : {Case{"hello", "not a JSON object: hello"}, Case{R"({"type":"dance"})", "unknown type dance"},
                        Case{R"({"type":"stop"})", "stop without a trial"},
                        Case{std::string((1 << 20) + 1, ' '), "a line of more than 1 MiB"}}) {
    Child child;
    child.Next("hello");
    child.SendLine(c.line);
    const Exit exit = child.Wait();
    EXPECT_EQ(exit.status, 2) << c.expected;
    EXPECT_THAT(exit.log, HasSubstr(c.expected));
  }
}

TEST_F(TrainerProgramTest, DiesOfATerminationSignal) {
  Child child;
  child.Next("hello");
  child.Kill(SIGTERM);
  EXPECT_EQ(child.Wait().signal, SIGTERM);
}

TEST_F(TrainerProgramTest, ExplainsItselfOnTheCommandLine) {
  struct Case {
    std::vector<std::string> arguments;
    int status;
    const char* expected;
  };
  for (const Case& c :
       {Case{{"--help"}, 0, "usage: athanor-trainer"}, Case{{"--version"}, 0, "LibTorch"},
        Case{{"--fast"}, 2, "unknown argument --fast"}, Case{{}, 2, "file descriptors 3 and 4 are not open"}}) {
    Child child(c.arguments, Channel::kClosed);
    const Exit exit = child.Wait();
    EXPECT_EQ(exit.status, c.status) << c.expected;
    EXPECT_THAT(exit.log, HasSubstr(c.expected));
  }
}

}  // namespace
}  // namespace athanor
