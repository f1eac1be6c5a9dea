// Starting a program as a child that cannot outlive this process.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace athanor::session {

// Descriptors of this process that become the child's. Each is larger than any of those that it becomes.
struct LaunchDescriptors {
  int log = -1;     // its stdout and stderr
  int input = -1;   // its fd 3
  int output = -1;  // its fd 4
};

// Runs `command`: program (looked up in PATH if it has no slash) and arguments, in a process group of its own, with
// stdin from /dev/null, default signal handlers, no signal blocked, and no descriptor besides those given. The kernel
// kills it when the thread that launched it ends, however it ends: also a child that is stopped, or hangs in a driver,
// and so would never notice the end of its input. That is why this is no posix_spawn, which cannot ask for it.
//
// INTERNAL, naming program and cause, if it cannot be started. Blocks until the program runs: a millisecond. The caller
// reaps the child.
absl::StatusOr<pid_t> Launch(const std::vector<std::string>& command, const LaunchDescriptors& descriptors);

}  // namespace athanor::session
