// Child processes for tests that run the real programs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace athanor {

struct ProcessOptions {
  std::vector<std::string> command;                // program first
  std::filesystem::path output;                    // stdout; created
  std::filesystem::path errors;                    // stderr; created
  std::map<std::string, std::string> environment;  // on top of ours
};

// A running child; killed with SIGKILL, together with its process group, when this goes out of scope.
class Process {
 public:
  // Throws std::runtime_error naming the program if it cannot be started.
  explicit Process(const ProcessOptions& options);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;

  void Signal(int signal) const;
  // Waits until it ends; the exit code, or -signal. Kills it and returns -SIGKILL after `timeout`.
  int Wait(std::chrono::seconds timeout);
  bool Running();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

// The processes whose parent is `parent`, lowest number first.
std::vector<pid_t> ChildrenOf(pid_t parent);

std::string ReadFile(const std::filesystem::path& path);

}  // namespace athanor
