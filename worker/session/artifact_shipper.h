// Uploads the files that one attempt's trainer leaves about its training, one at a time, each after the measurements
// before it, and deletes them.
//
// An artifact is no fact: an attempt never fails and never waits because of one. Each file is taken over at once by
// renaming it. One that cannot be kept is left out, with one line in this program's log; while the coordinator is away
// the newest wait for it, within a trial's bounds, and the others go. Once it said that it takes none of this attempt,
// each is deleted as it comes, so that a long training does not fill the disk.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "client/api/worker_client.h"
#include "worker/session/backoff.h"
#include "worker/session/lease_key.h"
#include "worker/session/trainer_protocol.h"

namespace athanor::session {

// What the coordinator keeps of a trial; more need not wait here either.
inline constexpr int64_t kMaxArtifactBytes = int64_t{4} << 20;
inline constexpr int64_t kMaxTrialArtifactBytes = int64_t{16} << 20;
inline constexpr size_t kMaxTrialArtifacts = 1000;

// Single-threaded, on the io_context's thread; create with std::make_shared.
class ArtifactShipper : public std::enable_shared_from_this<ArtifactShipper> {
 public:
  // Whether all that was measured up to this step is on the coordinator's disk, or given up.
  using Reported = std::function<bool(int64_t step)>;

  // `folder`: where the trainer leaves them; it is removed by its owner, with what was not uploaded. `transport` and
  // what `reported` uses must outlive the shipper, or its Cancel.
  ArtifactShipper(boost::asio::io_context& io, WorkerTransport& transport, const LeaseKey& lease, std::string folder,
                  const Backoff::Options& backoff, Reported reported);

  // Takes a file over; `measured_step` is the last one measured before it.
  void Take(const ArtifactMessage& artifact, int64_t measured_step);
  // More was reported, or given up: uploads what is due.
  void Pump();
  // Calls `done` when nothing is left: at once, or at the latest after `timeout`. Once.
  void Flush(Duration timeout, std::function<void()> done);
  // The coordinator is back: what waits for the next attempt is sent now.
  void RetryNow();
  // Uploads nothing more and calls nobody: what is left is given up.
  void Cancel();

 private:
  struct Job {
    v1::Artifact artifact;
    std::string path;  // of the file, taken over
    int64_t measured_step = 0;
    int failures = 0;
  };

  // Renames the file; why it cannot be kept, unless OK.
  absl::Status TakeOver(const ArtifactMessage& artifact, const std::string& to) const;
  void DropOldest(const char* why);
  void OnEnd(const absl::Status& status);
  void EndFlush();

  boost::asio::io_context& io_;
  WorkerTransport& transport_;
  const LeaseKey lease_;
  const std::string folder_;
  Backoff backoff_;
  const Reported reported_;
  boost::asio::steady_timer retry_;
  boost::asio::steady_timer flush_limit_;
  std::function<void()> flushed_;  // of the flush under way
  std::deque<Job> waiting_;        // oldest first; the first one is under way while `call_` or `retry_pending_`
  int64_t waiting_bytes_ = 0;
  uint64_t next_file_ = 1;
  std::unique_ptr<CancellableCall> call_;
  bool uploading_ = false;
  bool retry_pending_ = false;
  bool closed_ = false;  // nothing is taken any more
};

}  // namespace athanor::session
