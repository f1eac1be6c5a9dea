// A coordinator and its workers as real processes, each worker behind a network of its own, and the faults that strike
// them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tests/integration/chaos/fault_plan.h"
#include "tests/integration/process.h"
#include "tests/testing/fault_proxy.h"

namespace athanor::chaos {

struct WorkerSpec {
  std::string name;
  std::string kind;     // its label `kind`, by which studies choose their workers
  std::string trainer;  // program, beside the others
  int slots = 1;
};

struct FleetOptions {
  std::filesystem::path programs;  // where athanor-server and athanor-worker are
  std::filesystem::path folder;    // exists; the database, states and logs go here
  std::vector<WorkerSpec> workers;
  int driven = 0;  // networks for workers that are no processes
  Duration lease{};
  Duration heartbeat{};
  int step_ms = 0;  // that a step of the synthetic trainer takes
};

// Something was out of order. Unix milliseconds.
struct Outage {
  FaultKind kind = FaultKind::kReset;
  int target = kCoordinator;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
};

int64_t UnixMs();

// Not thread-safe. Throws std::runtime_error if a program cannot be started, or ends when nobody told it to.
class Fleet {
 public:
  explicit Fleet(FleetOptions options);
  // Kills everything.
  ~Fleet();

  void Start();
  // The coordinator itself, past every proxy.
  const std::string& address() const { return address_; }
  // The coordinator as worker number `workers + driven` sees it.
  const std::string& driven_address(int driven) const;
  std::filesystem::path database() const { return options_.folder / "athanor.db"; }

  // A fault begins, or is over. One that finds its target already down does nothing.
  void Begin(const Fault& fault);
  void End(const Fault& fault);
  // How many faults struck, by kind, and when the network or a process was out of order because of them.
  const std::map<FaultKind, int>& struck() const { return struck_; }
  const std::vector<Outage>& outages() const { return outages_; }

  // Neither killed nor stopped at the moment. Throws if it ended by itself.
  bool CoordinatorIsUp();

  // Everything is sound and running: the end of all faults.
  void Heal();
  // Drains every worker (SIGTERM), requires exit code 0, and starts it again with steps of `step_ms`.
  void RestartWorkers(int step_ms);
  // Ends the coordinator in order: exit code 0.
  void StopCoordinator();
  // The last lines of every log.
  std::string Logs() const;

 private:
  struct Member {
    WorkerSpec spec;
    std::optional<Process> process;
    std::unique_ptr<testing::FaultProxy> network;
    pid_t stopped_trainer = 0;
  };

  void StartCoordinator();
  void StartWorker(Member& member);
  bool BeginAtCoordinator(FaultKind kind);
  bool BeginAtProcess(FaultKind kind, Member& member);
  static void BeginAtNetwork(FaultKind kind, testing::FaultProxy& network);
  void EndAtProcess(FaultKind kind, Member& member);
  static void Continue(Member& member);

  FleetOptions options_;
  std::string address_;
  std::optional<Process> coordinator_;
  std::vector<Member> members_;  // workers, then driven ones without a process
  std::map<FaultKind, int> struck_;
  std::vector<Outage> outages_;  // the end is 0 while it lasts
};

}  // namespace athanor::chaos
