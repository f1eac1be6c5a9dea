// The program `athanor` as a function, so that tests can run it without a process.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/cli/styled_text.h"

namespace athanor::cli {

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};

// All that the program sees of the world besides the coordinator and its files.
struct Surroundings {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  Charset charset = Charset::kAscii;  // of the locale
  const Clock& clock;
  std::string user;                                                        // owner of the studies it submits
  std::function<std::optional<std::string>(const std::string&)> variable;  // of the environment
  std::function<TerminalSize()> terminal_size;
  std::string program_folder = {};  // where this program lies; empty if nobody knows
};

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,         // the operation failed, or the study that was watched did
  kBadInput = 2,       // bad usage, or a study file that is refused
  kUnreachable = 3,    // no coordinator at that address, or it does not answer
  kInterrupted = 130,  // Ctrl-C ended a watch or a download, as a shell would report it
  // A verb that runs the trainer ends with the trainer's own exit code.
};

// Runs one command line (without the program's name). Errors are one line on `err`. Blocks until the verb is done.
int Run(const std::vector<std::string>& arguments, const Surroundings& surroundings);

}  // namespace athanor::cli
