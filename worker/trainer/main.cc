// athanor-trainer: the training library behind the trainer protocol.
#include <fcntl.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "worker/trainer/commands/arguments.h"
#include "worker/trainer/commands/commands.h"
#include "worker/trainer/session.h"
#include "worker/training/run/runtime.h"

namespace {

constexpr int kReadDescriptor = 3;
constexpr int kWriteDescriptor = 4;

constexpr char kUsage[] =
    "usage: athanor-trainer [COMMAND | --help | --version]\n"
    "\n"
    "Trains trials for athanor-worker, which starts it and speaks the trainer protocol with it: newline-delimited "
    "JSON, messages in on\n"
    "file descriptor 3, answers out on file descriptor 4, its log on stderr (worker/TRAINER_PROTOCOL.md). It is not "
    "started by hand; to try:\n"
    "\n"
    "  echo '{\"type\":\"exit\"}' | athanor-trainer 3<&0 4>&1\n";

// False if the descriptor is not open. It is not passed on to programs that a library may start.
bool Claim(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFD);
  return flags >= 0 && fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) == 0;
}

struct NamedCommand {
  std::string_view name;
  int (*run)(const std::vector<std::string>& words);
};
constexpr NamedCommand kCommands[] = {{"evaluate", athanor::RunEvaluate},
                                      {"predict", athanor::RunPredict},
                                      {"export", athanor::RunExport},
                                      {"options", athanor::RunOptions}};

int RunCommand(const NamedCommand& command, const std::vector<std::string>& words) {
  try {
    const int status = command.run(words);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    std::fprintf(stderr, "athanor-trainer %s: standard output: cannot be written\n", std::string(command.name).c_str());
    return 1;
  } catch (const athanor::UsageError& error) {
    std::fprintf(stderr, "athanor-trainer %s: %s\nusage:\n%s", std::string(command.name).c_str(), error.what(),
                 athanor::kCommandsUsage);
    return 2;
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const NamedCommand& command : kCommands) {
    if (argc > 1 && command.name == argv[1]) return RunCommand(command, {argv + 2, argv + argc});
  }
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::printf("%s\nCommands:\n%s", kUsage, athanor::kCommandsUsage);
      return 0;
    }
    if (argument == "--version") {
      std::printf("athanor-trainer %s (LibTorch %s, BLAS %s)\n", ATHANOR_VERSION,
                  athanor::training::LibtorchVersion().c_str(), athanor::training::BlasName().c_str());
      return 0;
    }
    std::fprintf(stderr, "athanor-trainer: unknown argument %s\n%s", argv[i], kUsage);
    return 2;
  }
  if (!Claim(kReadDescriptor) || !Claim(kWriteDescriptor)) {
    std::fprintf(stderr, "athanor-trainer: file descriptors 3 and 4 are not open\n%s", kUsage);
    return 2;
  }
  athanor::training::KeepFreedMemory();
  std::signal(SIGPIPE, SIG_IGN);  // a worker that is gone is noticed where it is written to
  athanor::RunSession(kReadDescriptor, kWriteDescriptor, ATHANOR_VERSION);
}
