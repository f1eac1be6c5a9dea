#include "tests/integration/cluster.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <stdexcept>
#include <thread>

namespace athanor {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

template <typename Condition>
bool Until(std::chrono::milliseconds timeout, Condition condition) {
  const auto deadline = steady_clock::now() + timeout;
  while (!condition()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace

Cluster::Cluster() {
  std::string pattern = std::filesystem::temp_directory_path() / "athanor-test-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  folder_ = pattern;
  database_ = folder_ / "athanor.db";
}

Cluster::~Cluster() {
  workers_.clear();
  server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Cluster::StartServer(const std::vector<std::string>& arguments) {
  server_.reset();
  const auto output = folder_ / "server.out";
  std::filesystem::remove(output);
  ProcessOptions options;
  options.command = server_command_;
  options.command.insert(options.command.end(),
                         {"--listen", address_.empty() ? "127.0.0.1:0" : address_, "--database", database_});
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  options.output = output;
  options.errors = folder_ / "server.log";
  server_.emplace(options);
  const std::string ready = "listening on ";
  const bool up = Until(seconds(20), [&] {
    const std::string text = ReadFile(output);
    const size_t at = text.find(ready);
    const size_t end = text.find('\n', at == std::string::npos ? 0 : at);
    if (at == std::string::npos || end == std::string::npos) return !server_->Running();
    address_ = text.substr(at + ready.size(), end - at - ready.size());
    return true;
  });
  if (!up || !server_->Running()) throw std::runtime_error("the coordinator did not start: " + Logs());
}

Process& Cluster::StartWorker(const std::string& name, int slots, const std::vector<std::string>& arguments) {
  return StartWorker({.name = name, .slots = slots, .arguments = arguments});
}

Process& Cluster::StartWorker(const WorkerSettings& settings) {
  ProcessOptions options;
  options.command = {ATHANOR_WORKER_PROGRAM,
                     "--coordinator",
                     address_,
                     "--slots",
                     std::to_string(settings.slots),
                     "--device",
                     "cpu",
                     "--name",
                     settings.name,
                     "--state-dir",
                     folder_ / ("worker-" + settings.name),
                     "--trainer",
                     settings.trainer.empty() ? ATHANOR_TRAINER_PROGRAM : settings.trainer};
  options.command.insert(options.command.end(), settings.arguments.begin(), settings.arguments.end());
  options.output = folder_ / (settings.name + ".out");
  options.errors = folder_ / (settings.name + ".log");
  options.environment = settings.environment;
  return workers_.emplace_back(options);
}

void Cluster::StopWorkers(int signal) {
  for (Process& worker : workers_) worker.Signal(signal);
  for (Process& worker : workers_) worker.Wait(seconds(40));
  workers_.clear();
}

ClientResult Cluster::Client(const std::vector<std::string>& arguments, seconds timeout) {
  const auto base = folder_ / ("client-" + std::to_string(files_++));
  ProcessOptions options;
  options.command = {ATHANOR_CLIENT_PROGRAM};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  options.output = base.string() + ".out";
  options.errors = base.string() + ".err";
  options.environment = {{"ATHANOR_COORDINATOR", address_}, {"NO_COLOR", "1"}};
  Process client(options);
  ClientResult result;
  result.code = client.Wait(timeout);
  result.output = ReadFile(options.output);
  result.errors = ReadFile(options.errors);
  return result;
}

nlohmann::json Cluster::Query(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--output", "json"});
  const ClientResult result = Client(arguments);
  EXPECT_EQ(result.code, 0) << arguments[0] << ": " << result.errors << Logs();
  return nlohmann::json::parse(result.output, nullptr, false);
}

void Cluster::Submit(const std::string& yaml) {
  const auto path = folder_ / ("study-" + std::to_string(files_++) + ".yaml");
  std::ofstream(path) << yaml;
  const ClientResult result = Client({"study", "submit", path});
  ASSERT_EQ(result.code, 0) << result.errors << Logs();
}

nlohmann::json Cluster::WaitForStudy(const std::string& study, seconds timeout) {
  nlohmann::json shown;
  const bool ended = Until(timeout, [&] {
    shown = Query({"study", "show", study});
    const std::string state = shown.value("state", "");
    return state == "COMPLETED" || state == "FAILED" || state == "CANCELLED";
  });
  EXPECT_TRUE(ended) << shown.dump(1) << Logs();
  return shown;
}

std::string Cluster::Logs() const {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().extension() != ".log") continue;
    const std::string log = ReadFile(entry.path());
    text += "\n--- " + entry.path().filename().string() + "\n" + log.substr(log.size() > 4000 ? log.size() - 4000 : 0);
  }
  return text;
}

}  // namespace athanor
