// A coordinator, workers and the client as real processes on loopback, in a folder of their own.
#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/process.h"

namespace athanor {

struct ClientResult {
  int code = 0;
  std::string output;
  std::string errors;
};

struct WorkerSettings {
  std::string name;  // tells workers apart; each name has a state folder of its own
  int slots = 1;
  std::string trainer = {};  // the program; left out: athanor-trainer
  std::map<std::string, std::string> environment = {};
  std::vector<std::string> arguments = {};
};

class Cluster {
 public:
  Cluster();
  ~Cluster();

  // Starts the coordinator on a free port, or again on the port and database of before. Throws if it does not come up.
  void StartServer(const std::vector<std::string>& arguments = {});
  // The program of later coordinators, with arguments that come before all others.
  void UseServer(std::vector<std::string> command) { server_command_ = std::move(command); }
  // The database of later coordinators, with what they keep beside it. Else it lies in `folder`.
  void UseDatabase(std::filesystem::path database) { database_ = std::move(database); }
  std::filesystem::path database() const { return database_; }
  Process& server() { return *server_; }
  Process& StartWorker(const std::string& name, int slots, const std::vector<std::string>& arguments = {});
  Process& StartWorker(const WorkerSettings& settings);
  void StopWorkers(int signal);

  ClientResult Client(const std::vector<std::string>& arguments,
                      std::chrono::seconds timeout = std::chrono::seconds(60));
  // The client's JSON answer. Fails the test if it exits with anything but 0.
  nlohmann::json Query(std::vector<std::string> arguments);
  // Writes a study file and submits it. Fails the test unless it is accepted.
  void Submit(const std::string& yaml);
  // Until the study has ended. Fails the test at the timeout, with the logs.
  nlohmann::json WaitForStudy(const std::string& study, std::chrono::seconds timeout);

  std::filesystem::path folder() const { return folder_; }
  const std::string& address() const { return address_; }
  std::string Logs() const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path database_;
  std::string address_;
  std::vector<std::string> server_command_ = {ATHANOR_SERVER_PROGRAM};
  std::optional<Process> server_;
  std::list<Process> workers_;
  int files_ = 0;
};

}  // namespace athanor
