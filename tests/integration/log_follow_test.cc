// `athanor trial logs --follow` over coordinators that stop, die and start again: every line once, in order.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/network_fixture.h"

namespace athanor {
namespace {

using std::chrono::seconds;

constexpr int kSteps = 60;
constexpr int kLinesAStep = 4;

class LogFollowTest : public NetworkFixture {
 protected:
  // A client that prints the log of the study's only trial, and what it has printed so far.
  Process Follow(std::vector<std::string> more = {}) {
    ProcessOptions options;
    options.command = {ATHANOR_CLIENT_PROGRAM, "trial",           "logs", "s", "0", "--follow",
                       "--coordinator",        cluster_.address()};
    options.command.insert(options.command.end(), more.begin(), more.end());
    options.output = Output();
    options.errors = cluster_.folder() / "follow.err";
    return Process(options);
  }
  std::filesystem::path Output() const { return cluster_.folder() / "follow.out"; }
  std::string Errors() const { return ReadFile(cluster_.folder() / "follow.err"); }
  bool UntilPrinted(int lines) {
    return Until([&] { return std::ranges::count(ReadFile(Output()), '\n') >= lines; });
  }

  void Restart(int signal) {
    cluster_.server().Signal(signal);
    cluster_.server().Wait(seconds(10));
    cluster_.StartServer({"--lease", "3s", "--heartbeat", "700ms"});
  }

  // All that the scripted trainer prints from step `first` on.
  static std::string LinesFrom(int first) {
    std::string lines;
    for (int step = first; step <= kSteps; ++step) {
      for (int line = 0; line < kLinesAStep; ++line) {
        lines += "step " + std::to_string(step) + " log line " + std::to_string(line) + "\n";
      }
    }
    return lines;
  }

  void StartStudy() {
    StartWorker("node", cluster_.address(), "step_ms=100 log_lines=" + std::to_string(kLinesAStep));
    Submit("s", 1, kSteps);
    ASSERT_TRUE(UntilStep("s", 1));
  }
};

TEST_F(LogFollowTest, GoesOnWhereItStoodWhenTheCoordinatorStartsAgain) {
  StartStudy();
  Process follower = Follow();
  ASSERT_TRUE(UntilPrinted(10)) << Errors();
  Restart(SIGKILL);
  ASSERT_TRUE(UntilPrinted(kSteps * kLinesAStep / 2)) << Errors();
  Restart(SIGTERM);
  EXPECT_EQ(follower.Wait(seconds(30)), 0) << Errors();
  ASSERT_TRUE(UntilCompleted("s"));
  EXPECT_EQ(Attempts(Trial("s")), 1);
  const std::string token = std::to_string(Trial("s").attempts(0).token());
  EXPECT_EQ(ReadFile(Output()), "--- attempt " + token + " ---\n" + LinesFrom(1));
  EXPECT_EQ(cluster_.Client({"trial", "logs", "s", "0"}).output, ReadFile(Output()));
}

TEST_F(LogFollowTest, ATailIsNotPrintedAgainWhenTheCoordinatorStartsAgain) {
  StartStudy();
  ASSERT_TRUE(UntilStep("s", 20));
  Process follower = Follow({"--tail", "1"});
  ASSERT_TRUE(UntilPrinted(kLinesAStep)) << Errors();
  Restart(SIGKILL);
  EXPECT_EQ(follower.Wait(seconds(30)), 0) << Errors();
  const std::string text = ReadFile(Output());
  const std::string lines = text.substr(text.find('\n') + 1);  // behind the line that names the attempt
  EXPECT_TRUE(LinesFrom(1).ends_with("\n" + lines)) << lines;
  EXPECT_LT(std::ranges::count(lines, '\n'), (kSteps - 5) * kLinesAStep);
}

}  // namespace
}  // namespace athanor
