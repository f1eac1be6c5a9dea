// A real athanor-server in a directory of its own.
#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <memory>
#include <string>

#include "athanor/v1/study.pb.h"
#include "base/clock.h"

namespace athanor::bench {

class ServerProcess {
 public:
  // Starts `program` on a free loopback port with a new database in a new directory below `parent`, or with a copy of
  // `original`. Exits the process with a message if it does not come up.
  ServerProcess(const std::string& program, const std::string& parent, const std::string& original = "");
  // Stops it and removes the directory.
  ~ServerProcess();

  // Sends SIGTERM and waits; true if it exited with 0.
  bool Stop();
  // SIGKILL: what it had not written is lost.
  void Kill();

  pid_t pid() const { return pid_; }
  // From its start as a process until it said that it listens.
  Duration start_took() const { return start_took_; }
  // Its memory now.
  int64_t ResidentBytes() const;
  const std::string& address() const { return address_; }
  const std::string& directory() const { return directory_; }
  std::string database() const { return directory_ + "/load.db"; }
  // A connection of its own, as a worker on another machine would have.
  std::shared_ptr<grpc::Channel> Connect() const;

 private:
  std::string directory_;
  std::string address_;
  pid_t pid_ = -1;
  Duration start_took_{};
};

// Registers a worker with so many slots, or exits with a message.
void RegisterWorker(const std::shared_ptr<grpc::Channel>& channel, const std::string& name, int slots);
// A study of so many trials of one parameter, by random search without early stopping.
v1::StudySpec SmallSpec(const std::string& name, int64_t trials);
// Creates it, or exits with a message.
void CreateStudy(const std::shared_ptr<grpc::Channel>& channel, const v1::StudySpec& spec);
// Exits with a message unless the call went well.
void Check(const grpc::Status& status, const char* what);

}  // namespace athanor::bench
