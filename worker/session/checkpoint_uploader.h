// Uploads one lease's checkpoints: one at a time, the newest of those waiting, again while the coordinator is away.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "client/api/worker_client.h"
#include "worker/session/backoff.h"
#include "worker/session/checkpoint_cache.h"
#include "worker/session/lease_key.h"

namespace athanor::session {

// Single-threaded, on the io_context's thread; create with std::make_shared.
class CheckpointUploader : public std::enable_shared_from_this<CheckpointUploader> {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // Nothing is under way or waiting any more: each upload has ended well, or was given up.
    virtual void OnUploadsIdle() = 0;
    // The coordinator says that the lease is dead.
    virtual void OnUploadLeaseLost(const absl::Status& status) = 0;
  };

  // `transport` and `observer` must outlive the uploader.
  CheckpointUploader(boost::asio::io_context& io, WorkerTransport& transport, const LeaseKey& lease,
                     const Backoff::Options& backoff, Observer* observer);

  // Uploads the file; one that still waits is superseded. A file that was uploaded last is not uploaded again.
  // OnUploadsIdle follows if busy() afterwards.
  void Upload(std::shared_ptr<const CachedCheckpoint> file, int64_t step);
  // True while something is under way or waits.
  bool busy() const { return current_.has_value(); }
  // The coordinator is back: an upload that waits for its next attempt is tried now.
  void RetryNow();
  // Cancels everything; no observer is called any more.
  void Cancel();

 private:
  struct Job {
    std::shared_ptr<const CachedCheckpoint> file;
    int64_t step = 0;
    int failures = 0;
  };

  void Begin();
  void OnEnd(const absl::Status& status);
  void RetryLater();
  void Next();

  boost::asio::io_context& io_;
  WorkerTransport& transport_;
  LeaseKey lease_;
  Backoff backoff_;
  Observer* observer_;
  boost::asio::steady_timer retry_;
  bool retry_pending_ = false;
  std::optional<Job> current_;
  std::optional<Job> waiting_;
  std::string last_uploaded_;
  std::unique_ptr<CancellableCall> call_;
};

}  // namespace athanor::session
