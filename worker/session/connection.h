// The worker's link to the coordinator: registration, heartbeat, report stream and the long poll for work, and coming
// back when the coordinator was away.
//
// Any call that fails breaks the link: after a jittered pause the worker registers again under the same incarnation,
// opens a new report stream and sends everything unacknowledged once more. A poll for work that failed is repeated
// under its old sequence number, so that leases granted in a lost answer are not lost. Once the life of a lease is
// known, pauses are at most a third of it: leases that a restarted coordinator starts anew are renewed in time.
//
// Single-threaded, on the io_context's thread; create with std::make_shared.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "client/api/worker_client.h"
#include "worker/session/backoff.h"
#include "worker/session/lease_key.h"
#include "worker/session/report_queue.h"

namespace athanor::session {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnRegistered(const v1::RegisterResponse& response) = 0;
    // The coordinator will not have this worker; trying again is useless.
    virtual void OnRefused(const absl::Status& status) = 0;
    virtual void OnLeases(const v1::AcquireResponse& response) = 0;
    virtual void OnVerdict(const v1::Verdict& verdict) = 0;
    virtual void OnCommand(const v1::Command& command) = 0;
    virtual void OnLeaseDead(const LeaseKey& lease) = 0;
    virtual void OnFinishAcknowledged(const LeaseKey& lease) = 0;
    // The queue has room again, perhaps is empty.
    virtual void OnAcknowledged() = 0;
    // What every heartbeat lists.
    virtual std::vector<LeaseKey> HeldLeases() const = 0;
    // How many trials could start now.
    virtual int FreeSlots() const = 0;
  };

  // `clock`, `transport`, `reports` and `observer` must outlive the connection. `jitter_seed` spreads the workers of a
  // rack.
  Connection(boost::asio::io_context& io, const Clock& clock, WorkerTransport& transport, ReportQueue& reports,
             v1::RegisterRequest registration, const Backoff::Options& backoff, uint64_t jitter_seed,
             Observer* observer);

  void Start() { Connect(); }
  // Something was added to the report queue.
  void Pump();
  // A slot became free.
  void PollForWork();
  // No more work, from now on. Leases that are granted all the same still arrive.
  void StopPolling();
  // Ends the report stream in order, then calls `closed`; at once if there is none. Nothing is sent any more.
  void Close(std::function<void()> closed);

 private:
  void Connect();
  void OnRegisterAnswer(const absl::StatusOr<v1::RegisterResponse>& response);
  void OpenStream();
  void OnResponse(const v1::ReportResponse& response);
  void OnStreamClosed(const absl::Status& status);
  void Heartbeat();
  void OnHeartbeatAnswer(const absl::StatusOr<v1::HeartbeatResponse>& response);
  void OnAcquireAnswer(const absl::StatusOr<v1::AcquireResponse>& response, MonotonicTime asked);
  // The link is broken: start over after a pause.
  void Lose(const char* what, const absl::Status& status);
  // Runs `handler` on the io_context's thread, unless the link has been broken since.
  template <typename Handler>
  auto WhileConnected(Handler handler);

  boost::asio::io_context& io_;
  const Clock& clock_;
  WorkerTransport& transport_;
  ReportQueue& reports_;
  const v1::RegisterRequest registration_;
  const Duration longest_pause_;
  Backoff backoff_;
  Observer* observer_;

  uint64_t generation_ = 0;  // of the link; what belongs to an older one is ignored
  bool connected_ = false;
  bool polling_ = true;
  bool writing_ = false;
  bool polled_ = false;  // a poll for work is under way, or its pause
  uint64_t acquire_sequence_ = 1;
  v1::RegisterResponse terms_;
  std::unique_ptr<ReportStream> stream_;
  std::unique_ptr<CancellableCall> acquire_;
  std::function<void()> closed_;
  boost::asio::steady_timer reconnect_timer_;
  boost::asio::steady_timer heartbeat_timer_;
  boost::asio::steady_timer poll_timer_;
};

}  // namespace athanor::session
