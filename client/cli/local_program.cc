#include "client/cli/local_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "base/status.h"

extern char** environ;

namespace athanor::cli {
namespace {

namespace fs = std::filesystem;

bool IsProgram(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// The signals that this program ignores or handles have their usual effect in the other one.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& command, const std::string& output) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  sigset_t usual;
  sigemptyset(&usual);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&usual, signal);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (!output.empty()) {
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  }
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return child;
  return absl::NotFoundError(fmt::format("cannot start {}: {}", command[0], std::strerror(error)));
}

}  // namespace

absl::StatusOr<TemporaryFolder> TemporaryFolder::Make() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  std::string name = (parent / "athanor-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) {
    return absl::UnavailableError(
        fmt::format("cannot make a folder in {}: {}", parent.string(), error ? error.message() : std::strerror(errno)));
  }
  return TemporaryFolder(std::move(name));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

absl::StatusOr<std::string> FindProgram(const std::string& name, const std::string& beside,
                                        const std::string& search_path) {
  if (name.find('/') != std::string::npos) {
    if (IsProgram(name)) return name;
    return absl::NotFoundError(fmt::format("{} is no program", name));
  }
  if (!beside.empty() && IsProgram(beside + "/" + name)) return beside + "/" + name;
  std::istringstream folders(search_path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && IsProgram(folder + "/" + name)) return folder + "/" + name;
  }
  return absl::NotFoundError(
      fmt::format("the program {} is neither {}in PATH", name, beside.empty() ? "" : "in " + beside + " nor "));
}

absl::StatusOr<int> RunProgram(const std::vector<std::string>& command, SignalPipe& signals,
                               const std::string& output) {
  ATHANOR_ASSIGN_OR_RETURN(const pid_t child, Spawn(command, output));
  std::atomic<bool> ended = false;
  // Not yet reaped when `ended` is set, so that its number cannot be another's when a signal is passed on.
  std::thread waiter([&] {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    ended = true;
    signals.Wake();
  });
  while (!ended) {
    pollfd readable{.fd = signals.fd(), .events = POLLIN, .revents = 0};
    poll(&readable, 1, -1);
    for (int signal = signals.Take(); signal != 0; signal = signals.Take()) kill(child, signal);
  }
  waiter.join();
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace athanor::cli
