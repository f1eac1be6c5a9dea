// Brings a checkpoint that a trial can go on from to this worker's disk: the newest one to be had.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/api/worker_client.h"
#include "worker/session/backoff.h"
#include "worker/session/checkpoint_cache.h"
#include "worker/session/lease_key.h"

namespace athanor::session {

// Goes through the checkpoints from the newest: one in the cache is taken; another is downloaded; one that is gone,
// damaged or cannot be had is passed over for the next older. Those still older than the one found are added only if
// the cache has them, as a reserve for a trainer that cannot read the first. Single-threaded, on the io_context's
// thread; create with std::make_shared.
class CheckpointFetcher : public std::enable_shared_from_this<CheckpointFetcher> {
 public:
  struct Fetched {
    std::shared_ptr<const CachedCheckpoint> file;
    int64_t step = 0;
  };
  // Newest first; empty means: from scratch. FAILED_PRECONDITION: the lease is dead.
  using Done = std::function<void(absl::StatusOr<std::vector<Fetched>>)>;

  // `transport` and `cache` must outlive the fetcher.
  CheckpointFetcher(boost::asio::io_context& io, WorkerTransport& transport, CheckpointCache& cache,
                    const v1::Lease& lease, const Backoff::Options& backoff, Done done);

  // `done` is called once, perhaps from within.
  void Start() { FetchNext(); }
  // The coordinator is back: a download that waits for its next attempt is tried now.
  void RetryNow();
  // `done` is not called any more.
  void Cancel();

 private:
  // Named by lease, because two leases may fetch the same file at once.
  std::string PartPath() const;
  void FetchNext();
  void Download();
  void OnEnd(absl::Status status);
  void RetryLater();
  void Conclude(absl::StatusOr<std::vector<Fetched>> result);
  void ConcludeWith(std::shared_ptr<const CachedCheckpoint> file);

  boost::asio::io_context& io_;
  WorkerTransport& transport_;
  CheckpointCache& cache_;
  LeaseKey lease_;
  std::vector<v1::CheckpointRef> wanted_;
  size_t next_ = 0;   // index in `wanted_`
  int failures_ = 0;  // of that one
  Backoff backoff_;
  Done done_;
  boost::asio::steady_timer retry_;
  bool retry_pending_ = false;
  std::unique_ptr<CancellableCall> call_;
};

}  // namespace athanor::session
