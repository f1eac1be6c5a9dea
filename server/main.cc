// athanor-server: reads flags and the configuration file, then serves until SIGTERM or SIGINT; or checks, backs up or
// restores a database.
//
// Exit codes: 0 after a signal, 1 if it could not start, 2 for a wrong flag or configuration file; those of the
// subcommands are in operations/commands.h.
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <cstdio>
#include <string>

#include "base/logging.h"
#include "server/config.h"
#include "server/serve.h"

namespace athanor {
namespace {

// gRPC's own lines would appear beside ours in another form; they are of use to developers only.
void LogGrpc(gpr_log_func_args* line) { spdlog::debug("grpc: {}", line->message); }

// Every worker and client is an open descriptor. What a shell or a service manager allows at first is often 1024, and
// what it allows a process to ask for is many times that.
void AllowManyConnections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("the number of open files stays limited");
}

}  // namespace
}  // namespace athanor

int main(int argc, char** argv) {
  const athanor::CommandLine line = athanor::ReadCommandLine(argc, argv, ATHANOR_VERSION);
  if (line.action == athanor::CommandLine::Action::kExit) return line.exit_code;
  if (line.action == athanor::CommandLine::Action::kOperate) return athanor::Run(line.operation);
  if (const absl::Status status = athanor::InitLogging(line.config.log); !status.ok()) {
    std::fprintf(stderr, "athanor-server: %s\n", std::string(status.message()).c_str());
    return 2;
  }
  athanor::AllowManyConnections();
  gpr_set_log_function(athanor::LogGrpc);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  const absl::Status status = athanor::Serve(line.config);
  if (status.ok()) return 0;
  std::fprintf(stderr, "athanor-server: %s\n", std::string(status.message()).c_str());
  return 1;
}
