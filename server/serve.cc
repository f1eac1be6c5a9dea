#include "server/serve.h"

#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/status.h"
#include "server/coordinator/coordinator.h"
#include "server/coordinator/owner.h"
#include "server/operations/background_check.h"
#include "server/rpc/attempt_check.h"
#include "server/rpc/bounded_pool.h"
#include "server/rpc/checkpoint_transfer.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/server.h"
#include "server/rpc/service_context.h"
#include "server/store/artifact_files.h"
#include "server/store/checkpoint_files.h"
#include "server/store/log_files.h"
#include "server/store/refusing_store.h"
#include "server/store/sqlite/sqlite_store.h"

namespace athanor {
namespace {

// Ticks further apart than this: the process was stopped, or its disk kept the owner waiting.
constexpr Duration kStandstill = std::chrono::seconds(1);
constexpr int kReadThreads = 2;
constexpr int kMaxPendingReads = 4096;
constexpr int kTransferThreads = 2;
constexpr int kSearchThreads = 2;
constexpr int kMaxPendingTransfers = 4 * kMaxCheckpointTransfers;

// Lets time pass in the coordinator until the io_context stops.
class Ticker {
 public:
  Ticker(boost::asio::io_context& io, Owner& owner, Coordinator& coordinator, std::chrono::milliseconds interval)
      : interval_(interval), timer_(io), owner_(owner), coordinator_(coordinator) {}

  void Start() {
    timer_.expires_after(interval_);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      // A full queue has ticks in it already.
      (void)owner_.Post([this](Transaction& tx) -> Owner::Reply {
        const MonotonicTime last = std::exchange(last_, tx.now.monotonic);
        if (last != MonotonicTime() && last_ - last > kStandstill) {
          coordinator_.leases().Pardon(last_ - last, tx.now.monotonic);
        }
        coordinator_.Tick(tx);
        return nullptr;
      });
      Start();
    });
  }

 private:
  const std::chrono::milliseconds interval_;
  boost::asio::steady_timer timer_;
  Owner& owner_;
  Coordinator& coordinator_;
  MonotonicTime last_{};  // owner thread only
};

absl::Status SweepFiles(Coordinator& coordinator, CheckpointFiles& files) {
  for (const std::string& sha256 : coordinator.checkpoints().Hashes()) files.Hold(sha256);
  return files.Sweep();
}

}  // namespace

// Everything is built in the order of its dependencies and taken down in the reverse.
absl::Status Serve(const ServerConfig& config, const ServeHooks& hooks) {
  const SystemClock clock;
  SqliteOptions database;
  database.path = config.database;
  database.faults = hooks.faults;
  const bool left_open = WasLeftOpen(config.database);
  ATHANOR_ASSIGN_OR_RETURN(std::unique_ptr<Store> opened, OpenSqliteStore(database));
  const auto store = std::make_unique<RefusingStore>(std::move(opened));
  BackgroundCheck check(config.database, left_open ? BackgroundCheck::Need::kWholeFile : BackgroundCheck::Need::kNone,
                        [&store](const absl::Status& why) { store->Refuse(why); });
  hooks.faults.Pass(FaultPoint::kStoreOpened);
  ATHANOR_ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointFiles> files,
                           CheckpointFiles::Open(config.CheckpointDirectory(), hooks.faults));
  ATHANOR_ASSIGN_OR_RETURN(const std::unique_ptr<LogFiles> logs,
                           LogFiles::Open(config.LogDirectory(), {.total_bytes = config.log_quota_bytes}));
  ATHANOR_ASSIGN_OR_RETURN(
      const std::unique_ptr<ArtifactFiles> artifacts,
      ArtifactFiles::Open(config.ArtifactDirectory(), {.total_bytes = config.artifact_quota_bytes}));
  hooks.faults.Pass(FaultPoint::kFilesOpened);
  ATHANOR_ASSIGN_OR_RETURN(const DiskSpace disk, files->Space());
  CoordinatorOptions coordination = config.coordinator;
  coordination.checkpoint_quota_bytes = config.checkpoint_quota.BytesOn(disk.total_bytes);
  Coordinator coordinator(*store, coordination);
  ATHANOR_RETURN_IF_ERROR(coordinator.Load(clock.Read().monotonic));
  hooks.faults.Pass(FaultPoint::kStateLoaded);
  ATHANOR_RETURN_IF_ERROR(SweepFiles(coordinator, *files));
  const auto standing = [&state = coordinator.state()](const TrialKey& key) { return StandingOf(state, key); };
  ATHANOR_RETURN_IF_ERROR(logs->Sweep(standing));
  ATHANOR_RETURN_IF_ERROR(artifacts->Sweep(standing));
  hooks.faults.Pass(FaultPoint::kFilesSwept);

  OwnerOptions owner_options;
  owner_options.faults = hooks.faults;
  Owner owner(*store, coordinator, clock, owner_options);
  boost::asio::thread_pool read_threads(kReadThreads);
  boost::asio::thread_pool transfer_threads(kTransferThreads);
  BoundedPool reads(read_threads, kMaxPendingReads);
  BoundedPool transfers(transfer_threads, kMaxPendingTransfers);
  boost::asio::thread_pool search_threads(kSearchThreads);
  coordinator.UseSearchPool(
      {.run = [&search_threads](std::function<void()> work) { boost::asio::post(search_threads, std::move(work)); },
       .wake = [&owner] { (void)owner.Post([](Transaction&) -> Owner::Reply { return nullptr; }); }});
  ServiceContext context{owner,
                         coordinator,
                         *store,
                         *files,
                         *logs,
                         *artifacts,
                         reads,
                         transfers,
                         clock,
                         ATHANOR_VERSION,
                         clock.Read().monotonic,
                         hooks.faults,
                         [&check] { return check.Integrity(); }};
  FollowCheckpointRows(context);
  FollowEndedRows(context);
  RpcServerOptions options;
  options.listen = config.listen;
  ATHANOR_ASSIGN_OR_RETURN(const std::unique_ptr<RpcServer> rpc, RpcServer::Start(context, options));
  hooks.faults.Pass(FaultPoint::kListening);

  std::thread owner_thread([&owner] { owner.Run(); });
  std::jthread check_thread([&check](const std::stop_token& stop) { check.Run(stop); });
  boost::asio::io_context io;
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&io](const boost::system::error_code&, int signal) {
    spdlog::info("signal {}: shutting down", signal);
    io.stop();
  });
  Ticker ticker(io, owner, coordinator, hooks.tick);
  ticker.Start();
  spdlog::info("listening on {}, database {}, checkpoints in {}", rpc->address(), config.database,
               config.CheckpointDirectory());
  // For scripts that wait until it is up, or asked for any free port.
  std::printf("listening on %s\n", rpc->address().c_str());
  std::fflush(stdout);
  io.run();  // this thread is the one of timers and signals

  check_thread.request_stop();
  rpc->Shutdown();
  read_threads.join();
  transfer_threads.join();
  hooks.faults.Pass(FaultPoint::kDrained);
  owner.Stop();
  owner_thread.join();
  search_threads.stop();  // what has not begun is computed again after the start
  search_threads.join();
  check_thread.join();
  hooks.faults.Pass(FaultPoint::kOwnerStopped);
  spdlog::info("stopped");
  return absl::OkStatus();
}

}  // namespace athanor
