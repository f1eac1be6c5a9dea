// This process and others.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace athanor::bench {

// Prints `why` behind the name of this program, and exits with 1: nothing is measured where something went wrong.
[[noreturn]] void Die(const std::string& why);

// What becomes of what it prints. Its errors go where ours go.
enum class Output { kDiscard, kPipe };

struct Program {
  pid_t pid = -1;
  int output = -1;  // kPipe: the end to read from; the caller closes it
};

// Starts `command`, its name looked up in PATH, in our environment. It is killed when we end, however we do: whoever
// reads what we print would wait for it as well. Exits the process with a message if that fails.
Program StartProgram(std::vector<std::string> command, Output output);

// Waits for its end; its exit code, or -1 if a signal ended it.
int WaitForProgram(pid_t pid);

}  // namespace athanor::bench
