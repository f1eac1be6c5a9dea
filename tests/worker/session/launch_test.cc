#include "worker/session/launch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace athanor::session {
namespace {

using ::testing::HasSubstr;

// Pipes for the three descriptors, above the numbers that the child gives them.
class Descriptors {
 public:
  Descriptors() {
    for (int i = 0; i < 3; ++i) {
      int ends[2];
      EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
      for (int end = 0; end < 2; ++end) {
        ends_[i][end] = fcntl(ends[end], F_DUPFD_CLOEXEC, 20);
        close(ends[end]);
      }
    }
  }
  ~Descriptors() {
    for (const auto& ends : ends_) {
      close(ends[0]);
      close(ends[1]);
    }
  }
  LaunchDescriptors child() const { return {.log = ends_[0][1], .input = ends_[1][0], .output = ends_[2][1]}; }
  // What the child has written to its log when it is gone.
  std::string Log() const {
    char bytes[4096];
    const ssize_t count = read(ends_[0][0], bytes, sizeof bytes);
    return {bytes, static_cast<size_t>(std::max<ssize_t>(count, 0))};
  }

 private:
  int ends_[3][2];
};

int ExitCodeOf(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Gone, or a zombie that nobody has reaped yet.
bool IsDead(pid_t pid) {
  std::FILE* file = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
  if (file == nullptr) return true;
  char state = '?';
  const int read = std::fscanf(file, "%*d (%*[^)]) %c", &state);
  std::fclose(file);
  return read != 1 || state == 'Z';
}

TEST(LaunchTest, RunsAProgramFoundInPathWithItsArguments) {
  const Descriptors descriptors;
  const auto pid = Launch({"sh", "-c", "echo \"$0 $1\"; exit 3", "one", "two words"}, descriptors.child());
  ASSERT_TRUE(pid.ok()) << pid.status();
  EXPECT_EQ(ExitCodeOf(*pid), 3);
  EXPECT_EQ(descriptors.Log(), "one two words\n");
}

TEST(LaunchTest, SignalsHaveTheirDefaultsAndNoneIsBlocked) {
  signal(SIGPIPE, SIG_IGN);
  const Descriptors descriptors;
  const auto pid = Launch({"sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status"}, descriptors.child());
  ASSERT_TRUE(pid.ok()) << pid.status();
  EXPECT_EQ(ExitCodeOf(*pid), 0);
  EXPECT_EQ(descriptors.Log(), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  EXPECT_EQ(sigismember(&now, SIGTERM), 0) << "the caller's own mask is as it was";
}

TEST(LaunchTest, HasAProcessGroupOfItsOwn) {
  const Descriptors descriptors;
  const auto pid = Launch({"sleep", "1000"}, descriptors.child());
  ASSERT_TRUE(pid.ok()) << pid.status();
  EXPECT_EQ(getpgid(*pid), *pid);
  kill(*pid, SIGKILL);
  EXPECT_EQ(ExitCodeOf(*pid), -SIGKILL);
}

TEST(LaunchTest, SaysWhyAProgramCannotBeStarted) {
  const Descriptors descriptors;
  struct Case {
    const char* program;
    const char* why;
  };
  for (const Case& wanted : {Case{"/no/such/program", "cannot start /no/such/program: No such file or directory"},
                             Case{"no-such-program", "cannot start no-such-program: No such file or directory"},
                             Case{"/etc/passwd", "cannot start /etc/passwd: Permission denied"}}) {
    const auto pid = Launch({wanted.program}, descriptors.child());
    EXPECT_TRUE(absl::IsInternal(pid.status())) << wanted.program;
    EXPECT_THAT(std::string(pid.status().message()), HasSubstr(wanted.why));
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "no child is left behind";
}

TEST(LaunchTest, ChildDiesWithAKilledParentEvenWhileItIsStopped) {
  int pids[2];
  ASSERT_EQ(pipe(pids), 0);
  const Descriptors descriptors;
  const pid_t parent = fork();
  if (parent == 0) {
    const auto child = Launch({"sleep", "1000"}, descriptors.child());
    const pid_t pid = child.value_or(0);
    if (write(pids[1], &pid, sizeof pid) < 0) _exit(1);
    pause();
    _exit(0);
  }
  pid_t child = 0;
  ASSERT_EQ(read(pids[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ASSERT_GT(child, 0);
  kill(child, SIGSTOP);
  kill(parent, SIGKILL);
  EXPECT_EQ(ExitCodeOf(parent), -SIGKILL);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!IsDead(child) && std::chrono::steady_clock::now() < limit) usleep(1000);
  EXPECT_TRUE(IsDead(child));
  close(pids[0]);
  close(pids[1]);
}

}  // namespace
}  // namespace athanor::session
