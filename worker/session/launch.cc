#include "worker/session/launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace athanor::session {
namespace {

constexpr int kFirstPrivate = 5;  // descriptors from here on are none of the child's business

// All that the child needs until it runs the program: made before, because between vfork and exec it shares the
// parent's memory and may do nothing but call the kernel.
struct Plan {
  const char* program = nullptr;
  char* const* arguments = nullptr;
  LaunchDescriptors descriptors;
  pid_t parent = 0;
  int errors = -1;  // the errno of what failed is written here; closed by a successful exec
  int last_descriptor = 0;
};

absl::Status Failed(const std::string& program, int error) {
  return absl::InternalError(absl::StrCat("cannot start ", program, ": ", std::strerror(error)));
}

// The file that `name` means; itself if there is none, for exec to say why.
std::string FindProgram(const std::string& name) {
  const char* const variable = std::getenv("PATH");
  if (name.find('/') != std::string::npos || variable == nullptr) return name;
  for (std::string_view path = variable; !path.empty();) {
    const size_t end = std::min(path.find(':'), path.size());
    std::string candidate = absl::StrCat(std::string(path.substr(0, end)), "/", name);
    if (end > 0 && access(candidate.c_str(), X_OK) == 0) return candidate;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return name;
}

void DefaultSignals() {
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Libraries may have opened descriptors without O_CLOEXEC.
void KeepPrivate(int last_descriptor) {
  if (syscall(SYS_close_range, kFirstPrivate, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int descriptor = kFirstPrivate; descriptor <= last_descriptor; ++descriptor) {
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }
}

bool TakeDescriptors(const LaunchDescriptors& from) {
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(from.log, STDOUT_FILENO) >= 0 &&
         dup2(from.log, STDERR_FILENO) >= 0 && dup2(from.input, 3) >= 0 && dup2(from.output, 4) >= 0;
}

[[noreturn]] void BecomeProgram(const Plan& plan) {
  // The parent may have died before the kernel was told to kill this.
  const bool bound = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == plan.parent;
  if (bound && setpgid(0, 0) == 0 && TakeDescriptors(plan.descriptors)) {
    KeepPrivate(plan.last_descriptor);
    DefaultSignals();
    execve(plan.program, plan.arguments, environ);
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(plan.errors, &error, sizeof error);
  _exit(127);
}

// Of its own, so that no variable of a caller can be clobbered.
pid_t Fork(const Plan& plan) {
  const pid_t pid = vfork();
  if (pid == 0) BecomeProgram(plan);
  return pid;
}

}  // namespace

absl::StatusOr<pid_t> Launch(const std::vector<std::string>& command, const LaunchDescriptors& descriptors) {
  const std::string program = FindProgram(command.front());
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  int errors[2];
  if (pipe2(errors, O_CLOEXEC) != 0) return Failed(command.front(), errno);
  // Out of the way of the numbers that the child's descriptors are given.
  const int low = std::exchange(errors[1], fcntl(errors[1], F_DUPFD_CLOEXEC, kFirstPrivate));
  close(low);

  // A handler of this process must not run in the child, whose memory this is.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = Fork({.program = program.c_str(),
                          .arguments = arguments.data(),
                          .descriptors = descriptors,
                          .parent = getpid(),
                          .errors = errors[1],
                          .last_descriptor = static_cast<int>(sysconf(_SC_OPEN_MAX))});
  int error = pid < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(errors[1]);
  if (pid > 0 && read(errors[0], &error, sizeof error) > 0) waitpid(pid, nullptr, 0);
  close(errors[0]);
  if (error != 0) return Failed(command.front(), error);
  return pid;
}

}  // namespace athanor::session
