#include "tests/bench/load/server_process.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "athanor/v1/study_service.grpc.pb.h"
#include "athanor/v1/worker_service.grpc.pb.h"
#include "tests/bench/load/latencies.h"
#include "tests/bench/load/program.h"

namespace athanor::bench {

ServerProcess::ServerProcess(const std::string& program, const std::string& parent, const std::string& original) {
  directory_ = parent + "/athanor-load-XXXXXX";
  if (mkdtemp(directory_.data()) == nullptr) Die("cannot create a directory below " + parent);
  std::error_code refused;
  if (!original.empty() && !std::filesystem::copy_file(original, database(), refused)) Die("cannot copy " + original);
  const MonotonicTime start = Now();
  const Program started = StartProgram(
      {program, "--listen", "127.0.0.1:0", "--database", database(), "--log-level", "error"}, Output::kPipe);
  pid_ = started.pid;
  std::FILE* const output = fdopen(started.output, "r");
  char line[256] = {}, address[200] = {};
  if (std::fgets(line, sizeof(line), output) == nullptr || std::sscanf(line, "listening on %199s", address) != 1) {
    Die("the server did not come up");
  }
  start_took_ = Now() - start;
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
  return WaitForProgram(std::exchange(pid_, -1)) == 0;
}

void ServerProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  WaitForProgram(std::exchange(pid_, -1));
}

int64_t ServerProcess::ResidentBytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  int64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
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
  // With a thousand of us at once a first connection may fail.
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  Check(v1::WorkerService::NewStub(channel)->Register(&context, request, &response), "Register");
}

v1::StudySpec SmallSpec(const std::string& name, int64_t trials) {
  v1::StudySpec spec;
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
  spec.mutable_search()->set_method("random");  // answers at once, where a model would be computed first
  spec.mutable_budget()->set_trials(trials);
  return spec;
}

void CreateStudy(const std::shared_ptr<grpc::Channel>& channel, const v1::StudySpec& spec) {
  v1::CreateStudyRequest request;
  *request.mutable_spec() = spec;
  v1::Study study;
  grpc::ClientContext context;
  Check(v1::StudyService::NewStub(channel)->CreateStudy(&context, request, &study), "CreateStudy");
}

}  // namespace athanor::bench
