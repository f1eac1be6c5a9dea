// Everything that athanor-server wires together, but for the listening socket: a coordinator with its owner thread,
// pools and checkpoint directory, in the test's process.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "server/coordinator/coordinator.h"
#include "server/coordinator/owner.h"
#include "server/rpc/bounded_pool.h"
#include "server/rpc/report_session.h"
#include "server/rpc/service_context.h"
#include "server/store/artifact_files.h"
#include "server/store/checkpoint_files.h"
#include "server/store/log_files.h"
#include "server/store/memory_store.h"
#include "server/store/store.h"

namespace athanor::testing {

// A directory that is removed with all it holds.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ServiceHarness {
 public:
  // `store` must outlive it; without one, an own MemoryStore. `clock` likewise; without one, the system's.
  explicit ServiceHarness(CoordinatorOptions options = {}, Store* store = nullptr, const Clock* clock = nullptr);
  // Ends the threads, after everything queued was answered.
  ~ServiceHarness();

  ServiceContext& context() { return *context_; }
  const std::string& checkpoint_directory() const { return directory_.path(); }
  std::string log_directory() const { return log_directory_.path(); }
  std::string artifact_directory() const { return artifact_directory_.path(); }

  // Runs one operation on the owner thread and waits until its group is on disk.
  void OnOwner(const std::function<void(Transaction&)>& operation);
  // Waits until the pool of transfers has done everything that was posted to it before.
  void FinishTransfers();
  // Lets time pass in the coordinator: expired leases, ended long polls.
  void Tick();

 private:
  static constexpr int kTransferThreads = 2;

  ScratchDirectory directory_;
  ScratchDirectory log_directory_;
  ScratchDirectory artifact_directory_;
  SystemClock system_clock_;
  MemoryStore memory_;
  Store& store_;
  const Clock& clock_;
  std::unique_ptr<CheckpointFiles> files_;
  std::unique_ptr<LogFiles> logs_;
  std::unique_ptr<ArtifactFiles> artifacts_;
  Coordinator coordinator_;
  Owner owner_;
  boost::asio::thread_pool read_threads_{2};
  boost::asio::thread_pool transfer_threads_{kTransferThreads};
  BoundedPool reads_;
  BoundedPool transfers_;
  std::unique_ptr<ServiceContext> context_;
  std::thread owner_thread_;
};

}  // namespace athanor::testing
