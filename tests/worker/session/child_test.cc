#include "worker/session/child.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>

namespace athanor::session {
namespace {

using ::testing::HasSubstr;

class ChildTest : public testing::Test, public Child::Observer {
 protected:
  ChildTest() { signal(SIGPIPE, SIG_IGN); }

  void Spawn(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), ATHANOR_FAKE_TRAINER_PROGRAM);
    Run(arguments);
  }
  void Shell(const std::string& script) { Run({"sh", "-c", script}); }
  void Run(const std::vector<std::string>& command) {
    auto child = Child::Spawn(io_, command, {.lines = 5, .line_bytes = 80}, this);
    ASSERT_TRUE(child.ok()) << child.status();
    child_ = *child;
  }
  template <typename Predicate>
  bool RunUntil(Predicate done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done() && std::chrono::steady_clock::now() < limit) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(10));
    }
    return done();
  }
  bool RunUntilExit() {
    return RunUntil([this] { return exit_.has_value(); });
  }

  void OnMessage(TrainerMessage message) override { messages_.push_back(std::move(message)); }
  void OnProtocolError(const absl::Status& error) override { protocol_error_ = error; }
  void OnExit(const ChildExit& exit) override { exit_ = exit; }

  boost::asio::io_context io_;
  std::shared_ptr<Child> child_;
  std::vector<TrainerMessage> messages_;
  std::optional<absl::Status> protocol_error_;
  std::optional<ChildExit> exit_;
};

TEST_F(ChildTest, SpeaksAndListensOnItsDescriptors) {
  Spawn();
  ASSERT_TRUE(RunUntil([this] { return !messages_.empty(); }));
  EXPECT_EQ(std::get<HelloMessage>(messages_[0].body).trainer, "fake");
  EXPECT_GT(child_->ResidentBytes(), 0);
  child_->Send(FormatExit());
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(exit_->ToString(), "exit code 0");
}

TEST_F(ChildTest, EndOfInputEndsIt) {
  Spawn();
  child_->CloseInput();
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(exit_->code, 0);
}

TEST_F(ChildTest, InheritsNoOtherDescriptor) {
  const int leaked = fcntl(STDERR_FILENO, F_DUPFD, 20);  // without O_CLOEXEC
  ASSERT_GE(leaked, 20);
  Shell("test ! -e /proc/self/fd/" + std::to_string(leaked) + " && test -e /proc/self/fd/4");
  close(leaked);
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(exit_->code, 0);
}

TEST_F(ChildTest, TellsExitCodesFromSignals) {
  Shell("exit 3");
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(exit_->ToString(), "exit code 3");
  exit_.reset();
  Shell("kill -SEGV $$");
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(exit_->signal, SIGSEGV);
  EXPECT_THAT(exit_->ToString(), HasSubstr("signal 11 (Segmentation fault)"));
}

TEST_F(ChildTest, DeliversWhatWasWrittenJustBeforeDeath) {
  Shell("echo last words >&2; echo '{\"type\":\"stopped\",\"trial\":\"t\"}' >&4; kill -KILL $$");
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(exit_->signal, SIGKILL);
  ASSERT_EQ(messages_.size(), 1u);
  EXPECT_EQ(messages_[0].trial, "t");
  EXPECT_EQ(child_->log().Text(), "last words");
}

TEST_F(ChildTest, KillsTheWholeProcessGroup) {
  Shell("sleep 1000 & echo $! >&2; wait");
  ASSERT_TRUE(RunUntil([this] { return !child_->log().Text().empty(); }));
  const pid_t grandchild = std::stoi(child_->log().Text());
  child_->Kill();
  ASSERT_TRUE(RunUntilExit());
  // Gone, or a zombie that nobody has reaped yet.
  ASSERT_TRUE(RunUntil([&] {
    std::FILE* file = std::fopen(("/proc/" + std::to_string(grandchild) + "/stat").c_str(), "r");
    if (file == nullptr) return true;
    char state = '?';
    const int read = std::fscanf(file, "%*d (%*[^)]) %c", &state);
    std::fclose(file);
    return read != 1 || state == 'Z';
  }));
}

TEST_F(ChildTest, ReportsAMalformedLineOnceAndNothingAfterIt) {
  Shell("echo nonsense >&4; echo '{\"type\":\"stopped\",\"trial\":\"t\"}' >&4");
  ASSERT_TRUE(RunUntilExit());
  ASSERT_TRUE(protocol_error_.has_value());
  EXPECT_TRUE(absl::IsInvalidArgument(*protocol_error_));
  EXPECT_TRUE(messages_.empty());
}

TEST_F(ChildTest, KeepsOnlyTheEndOfAHugeLog) {
  Shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done");
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(child_->log().Text(), "line 19995\nline 19996\nline 19997\nline 19998\nline 19999");
}

TEST_F(ChildTest, HoldsTheChildBackWhileReadingIsOff) {
  // 3 MB of messages do not fit into a pipe.
  Shell(
      "i=0; while [ $i -lt 100000 ]; do echo '{\"type\":\"stopped\",\"trial\":\"t\"}' >&4; i=$((i+1)); done; echo end "
      ">&2");
  child_->SetReading(false);
  io_.run_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(exit_.has_value());
  EXPECT_EQ(child_->log().Text(), "");
  child_->SetReading(true);
  ASSERT_TRUE(RunUntilExit());
  EXPECT_EQ(messages_.size(), 100000u);
}

TEST_F(ChildTest, IsNotStoppedByAChildThatReadsNothing) {
  Shell("sleep 1000");
  for (int i = 0; i < 100; ++i) child_->Send(std::string(10000, 'x') + "\n");
  child_->Kill();
  EXPECT_TRUE(RunUntilExit());
}

TEST_F(ChildTest, SaysWhichProgramCannotBeStarted) {
  const auto child = Child::Spawn(io_, {"/no/such/program"}, {}, this);
  EXPECT_TRUE(absl::IsInternal(child.status()));
  EXPECT_EQ(child.status().message(), "cannot start /no/such/program: No such file or directory");
}

TEST_F(ChildTest, DiesWithItsOwner) {
  Shell("sleep 1000");
  const pid_t pid = child_->pid();
  child_.reset();
  EXPECT_EQ(kill(pid, 0), -1);
}

}  // namespace
}  // namespace athanor::session
