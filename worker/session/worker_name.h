// The worker's stable name: the host and the lowest number that no other worker of this state folder holds.
//
// A number is held by a lock on `<state folder>/<name>.lock`, so that it is free again the moment its worker dies,
// however it dies, and a restarted worker is the same worker to the coordinator. Each name has a folder of its own for
// what outlives a run.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace athanor::session {

class WorkerName {
 public:
  // `wanted`: this very name ([A-Za-z0-9._-]+, not starting with a dot), else the first free `<host>-<number>`, numbers
  // from 0. Makes the folders. INVALID_ARGUMENT for a name that cannot be one, FAILED_PRECONDITION if another worker
  // holds it, INTERNAL if the folder cannot be used. Does not wait.
  static absl::StatusOr<WorkerName> Claim(const std::string& state_folder, const std::string& host,
                                          const std::string& wanted);
  ~WorkerName();
  WorkerName(WorkerName&& other) noexcept;
  WorkerName& operator=(WorkerName&&) = delete;

  const std::string& name() const { return name_; }
  // This worker's alone while the name is held.
  const std::string& folder() const { return folder_; }

 private:
  WorkerName(std::string name, std::string folder, int lock)
      : name_(std::move(name)), folder_(std::move(folder)), lock_(lock) {}
  std::string name_;
  std::string folder_;
  int lock_;  // descriptor that holds the lock
};

}  // namespace athanor::session
