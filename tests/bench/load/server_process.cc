#include "tests/bench/load/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "athanor/v1/study_service.grpc.pb.h"
#include "athanor/v1/worker_service.grpc.pb.h"

extern char** environ;

namespace athanor::bench {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "load_bench: %s\n", why.c_str());
  std::exit(1);
}

}  // namespace

ServerProcess::ServerProcess(const std::string& program, const std::string& parent) {
  directory_ = parent + "/athanor-load-XXXXXX";
  if (mkdtemp(directory_.data()) == nullptr) Die("cannot create a directory below " + parent);
  std::vector<std::string> arguments = {program,    "--listen",    "127.0.0.1:0", "--database",
                                        database(), "--log-level", "error"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Die("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int spawned = posix_spawnp(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (spawned != 0) Die("cannot start " + program);
  std::FILE* const output = fdopen(ends[0], "r");
  char line[256] = {}, address[200] = {};
  if (std::fgets(line, sizeof(line), output) == nullptr || std::sscanf(line, "listening on %199s", address) != 1) {
    Die("the server did not come up");
  }
  std::fclose(output);
  address_ = address;
}

ServerProcess::~ServerProcess() {
  Stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

bool ServerProcess::Stop() {
  if (pid_ < 0) return true;
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void ServerProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
}

std::shared_ptr<grpc::Channel> ServerProcess::Connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
}

void Check(const grpc::Status& status, const char* what) {
  if (!status.ok()) Die(std::string(what) + ": " + status.error_message());
}

void RegisterWorker(const std::shared_ptr<grpc::Channel>& channel, const std::string& name, int slots) {
  v1::RegisterRequest request;
  request.set_worker(name);
  request.set_incarnation(1);
  request.set_protocol_version(1);
  request.set_slots(slots);
  v1::RegisterResponse response;
  grpc::ClientContext context;
  Check(v1::WorkerService::NewStub(channel)->Register(&context, request, &response), "Register");
}

void CreateStudy(const std::shared_ptr<grpc::Channel>& channel, const std::string& name, int64_t trials) {
  v1::CreateStudyRequest request;
  v1::StudySpec& spec = *request.mutable_spec();
  spec.set_name(name);
  v1::Objective& objective = *spec.add_objectives();
  objective.set_metric("val_accuracy");
  objective.set_goal(v1::GOAL_MAXIMIZE);
  v1::Parameter& parameter = *spec.add_parameters();
  parameter.set_name("learning_rate");
  parameter.set_type(v1::PARAMETER_TYPE_FLOAT);
  parameter.set_scale(v1::SCALE_LOG);
  parameter.mutable_min()->set_float_value(1e-4);
  parameter.mutable_max()->set_float_value(1);
  spec.mutable_budget()->set_trials(trials);
  v1::Study study;
  grpc::ClientContext context;
  Check(v1::StudyService::NewStub(channel)->CreateStudy(&context, request, &study), "CreateStudy");
}

}  // namespace athanor::bench
