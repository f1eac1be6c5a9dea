#include "worker/session/flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace athanor::session {
namespace {

std::string CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 ||
      port > 65535) {
    return "want host:port";
  }
  return "";
}

std::string CheckLabel(const std::string& label) {
  const size_t equals = label.find('=');
  return equals == std::string::npos || equals == 0 ? "want key=value" : "";
}

}  // namespace

std::variant<Flags, FlagsExit> ParseFlags(int argc, const char* const* argv) {
  Flags flags;
  flags.state_dir = DefaultStateDir();
  int slots = 0;
  std::vector<std::string> labels;
  std::string log_format = "text";

  CLI::App app("Athanor worker: leases trials from a coordinator and trains them, one process a slot.",
               "athanor-worker");
  app.footer(
      "Example, a node with GPUs that joins a rack:\n"
      "  athanor-worker --coordinator athanor.lab:7077 --device auto --label rack=b2 --label gpu=a100\n"
      "\nSIGTERM drains: trials are checkpointed and handed back, then the worker exits. A second SIGTERM ends it at "
      "once.");
  app.add_option("--coordinator", flags.coordinator, "address of the coordinator, host:port")
      ->capture_default_str()
      ->check(CheckAddress);
  app.add_option("--slots", slots, "trials at once (default: one a core on the CPU, one a GPU)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--device", flags.device,
                 "auto, cpu or cuda:N; auto takes every GPU that the trainer sees, else the CPU")
      ->capture_default_str();
  app.add_option("--label", labels, "key=value that studies can require; repeatable")
      ->check(CheckLabel)
      ->expected(1)
      ->take_all();
  app.add_option("--trainer", flags.trainer,
                 "trainer program (default: athanor-trainer beside this program, then in PATH)");
  app.add_option("--name", flags.name, "stable name of this worker (default: host and a number)");
  app.add_option("--state-dir", flags.state_dir, "folder for checkpoints, locks and trials under way")
      ->capture_default_str();
  app.add_option("--max-child-memory", flags.max_child_memory_bytes,
                 "replace a trainer process whose resident memory after a trial exceeds this; 0 = never (e.g. 8G)")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_option("--log-format", log_format, "text or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--log-level", flags.log.level, "trace, debug, info, warn, error or off")
      ->capture_default_str()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
  app.set_version_flag("--version", ATHANOR_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return FlagsExit{.code = 0, .text = app.help()};
  } catch (const CLI::CallForVersion&) {
    return FlagsExit{.code = 0, .text = absl::StrCat(ATHANOR_VERSION, "\n")};
  } catch (const CLI::ParseError& error) {
    return FlagsExit{.code = 2, .text = absl::StrCat("athanor-worker: ", error.what(), "\n")};
  }
  if (slots > 0) flags.slots = slots;
  for (const std::string& label : labels) {
    const size_t equals = label.find('=');
    flags.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  flags.log.format = log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  return flags;
}

std::string DefaultStateDir() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
    return absl::StrCat(state, "/athanor");
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return absl::StrCat(home, "/.local/state/athanor");
  }
  return "/var/lib/athanor";
}

std::string DefaultTrainer() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path beside = self.parent_path() / "athanor-trainer";
  return !error && std::filesystem::exists(beside, error) ? beside.string() : "athanor-trainer";
}

}  // namespace athanor::session
