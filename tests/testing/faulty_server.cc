// athanor-faulty-server: the coordinator of server/serve.h on bad ground, for tests. It ends itself at a point of its
// write path, or its disk fails.
//
//   athanor-faulty-server [OPTION VALUE]... -- ARGUMENT OF athanor-server ...
//
//   --armed-by FILE      points and writes count only while FILE exists
//   --trace FILE         appends the name of every point that counts
//   --die-at NAME        ends the process there: no flush, no destructor, exit code 86
//   --passing K          ... when it is passed for the K-th time (default 1)
//   --disk-fault FILE    while FILE exists, SQLite's disk fails as its content says: full, write, sync or readonly
//   --tick MS            how often time passes in the coordinator
//
// A write or sync of SQLite counts as a point named "disk", passed before it happens.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/logging.h"
#include "server/config.h"
#include "server/serve.h"
#include "tests/testing/faulty_vfs.h"

namespace athanor::testing {
namespace {

constexpr int kDied = 86;

struct Options {
  std::string armed_by;
  std::string trace;
  std::string die_at;
  int passing = 1;
  std::string disk_fault;
  std::optional<int> tick_ms;
  std::vector<char*> server;  // its command line
};

// False if the command line is wrong.
bool ReadOptions(int argc, char** argv, Options& options) {
  const std::map<std::string, std::string*> texts = {{"--armed-by", &options.armed_by},
                                                     {"--trace", &options.trace},
                                                     {"--die-at", &options.die_at},
                                                     {"--disk-fault", &options.disk_fault}};
  options.server = {argv[0]};
  int i = 1;
  for (; i + 1 < argc && std::strcmp(argv[i], "--") != 0; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    int number = 0;
    if (const auto text = texts.find(name); text != texts.end()) {
      *text->second = value;
    } else if (std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc()) {
      return false;
    } else if (name == "--passing") {
      options.passing = number;
    } else if (name == "--tick") {
      options.tick_ms = number;
    } else {
      return false;
    }
  }
  if (i >= argc) return false;
  options.server.insert(options.server.end(), argv + i + 1, argv + argc);
  return true;
}

class Executioner {
 public:
  explicit Executioner(const Options& options) : options_(options) {
    if (!options.trace.empty()) trace_ = open(options.trace.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }

  void Pass(const char* name) {
    if (options_.armed_by.empty() || access(options_.armed_by.c_str(), F_OK) != 0) return;
    const std::string line = std::string(name) + "\n";
    if (trace_ >= 0 && write(trace_, line.data(), line.size()) < 0) std::perror("trace");
    if (options_.die_at == name && ++passed_ == options_.passing) _exit(kDied);
  }

 private:
  const Options& options_;
  int trace_ = -1;
  std::atomic<int> passed_ = 0;
};

DiskFault FaultIn(const std::string& file) {
  if (file.empty() || access(file.c_str(), F_OK) != 0) return DiskFault::kNone;
  std::string word;
  std::ifstream(file) >> word;
  if (word == "full") return DiskFault::kFull;
  if (word == "write") return DiskFault::kWriteError;
  if (word == "sync") return DiskFault::kSyncError;
  if (word == "readonly") return DiskFault::kReadOnly;
  return DiskFault::kNone;
}

const char* NameOf(FaultPoint point) {
  for (const NamedFaultPoint& named : kFaultPoints) {
    if (named.point == point) return named.name;
  }
  return "unnamed";
}

int Run(int argc, char** argv) {
  Options options;
  if (!ReadOptions(argc, argv, options)) {
    std::fprintf(stderr, "athanor-faulty-server: wrong usage; see its source\n");
    return 2;
  }
  const CommandLine line = ReadCommandLine(static_cast<int>(options.server.size()), options.server.data(), "faulty");
  if (line.action == CommandLine::Action::kExit) return line.exit_code;
  if (!InitLogging(line.config.log).ok()) return 2;
  Executioner executioner(options);
  const FaultyVfs vfs([&] {
    executioner.Pass("disk");
    return FaultIn(options.disk_fault);
  });
  ServeHooks hooks;
  hooks.faults = FaultHook([&](FaultPoint point) { executioner.Pass(NameOf(point)); });
  if (options.tick_ms.has_value()) hooks.tick = std::chrono::milliseconds(*options.tick_ms);
  const absl::Status status = Serve(line.config, hooks);
  if (status.ok()) return 0;
  std::fprintf(stderr, "athanor-faulty-server: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace athanor::testing

int main(int argc, char** argv) { return athanor::testing::Run(argc, argv); }
