// A coordinator that can be told where to die (tests/testing/faulty_server.cc), in a folder that outlives it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "tests/integration/crash/wire.h"
#include "tests/integration/process.h"

namespace athanor {

// A folder under the system's for temporary files, removed with all it holds.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::filesystem::path path() const { return path_; }
  std::filesystem::path database() const { return path_ / "athanor.db"; }
  std::filesystem::path checkpoints() const { return path_ / "athanor.db.checkpoints"; }

  // Database and checkpoints of another, whose coordinator does not run.
  void CopyFrom(const Folder& other) const;

  // Points count while it is armed.
  std::filesystem::path armed() const { return path_ / "armed"; }
  std::filesystem::path trace() const { return path_ / "trace"; }
  void Arm() const;
  void Disarm() const;
  // How often each point was passed while armed, since the last call of this.
  std::map<std::string, int> TakeTrace() const;

 private:
  std::filesystem::path path_;
};

// Where to die: "" means nowhere.
struct Death {
  std::string point;
  int passing = 1;
};

class FaultyServer {
 public:
  static constexpr int kDied = 86;  // exit code of one that ended itself

  // Starts it and waits until it serves or has ended. Time stands still in it.
  FaultyServer(const Folder& folder, const Death& death);

  // False if it ended before it could serve.
  bool serves() const { return wire_ != nullptr; }
  Wire& wire() { return *wire_; }
  // Waits for its end; the exit code, or -signal.
  int Wait() { return process_->Wait(std::chrono::seconds(20)); }
  void Signal(int signal) { process_->Signal(signal); }
  std::string log() const;

 private:
  const Folder& folder_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Wire> wire_;
};

}  // namespace athanor
