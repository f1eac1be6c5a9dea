// The command line of athanor-worker.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "base/logging.h"

namespace athanor::session {

struct Flags {
  std::string coordinator = "127.0.0.1:7077";
  std::optional<int> slots;
  std::string device = "auto";
  std::map<std::string, std::string> labels;
  std::string trainer;  // empty: athanor-trainer beside this program, then in PATH
  std::string name;     // empty: host and number
  std::string state_dir;
  LogOptions log;
  int64_t max_child_memory_bytes = int64_t{8} << 30;
};

// The program is to end: with help on stdout (code 0) or one line on stderr (code 2).
struct FlagsExit {
  int code = 0;
  std::string text;  // with its line end
};

std::variant<Flags, FlagsExit> ParseFlags(int argc, const char* const* argv);

// $XDG_STATE_HOME/athanor, else ~/.local/state/athanor, else /var/lib/athanor.
std::string DefaultStateDir();

// The path of athanor-trainer beside this program if it is there, else its bare name.
std::string DefaultTrainer();

}  // namespace athanor::session
