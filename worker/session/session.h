// A worker at work: its slots, its leases and its link to the coordinator.
//
// Everything runs on the io_context's thread; the transport's callbacks are posted to it. Slots ask for work as soon as
// their trainer is free, leases live on until their last report is acknowledged.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "client/api/worker_client.h"
#include "worker/session/checkpoint_cache.h"
#include "worker/session/connection.h"
#include "worker/session/lease_task.h"
#include "worker/session/report_queue.h"
#include "worker/session/slot.h"

namespace athanor::session {

struct SessionOptions {
  v1::RegisterRequest registration;  // said at every connection, also after the coordinator was away
  std::vector<SlotOptions> slots;    // one a trainer process
  HelloMessage trainer;              // what the trainer said when it was tried out before the session
  std::string trials_folder;         // each lease makes and removes its own folder in it
  ReportQueue::Options reports;
  Backoff::Options reconnect_backoff;  // between attempts to register
  // Between attempts to upload or download one checkpoint.
  Backoff::Options transfer_backoff{.initial = std::chrono::milliseconds(500), .cap = std::chrono::seconds(5)};
  LogShipperOptions logs;
  Duration drain_timeout = std::chrono::seconds(30);  // from Drain() to ABORTED
};

class Session final : public Connection::Observer, public LeaseTask::Observer, public Slot::Observer {
 public:
  // Why the session ended: OK after a drain; the coordinator's refusal; ABORTED if leases could not be handed back.
  // Called once.
  using OnEnd = std::function<void(const absl::Status&)>;

  // All but the options must outlive the session.
  Session(boost::asio::io_context& io, const Clock& clock, WorkerTransport& transport, CheckpointCache& cache,
          SessionOptions options, OnEnd on_end);
  ~Session() override;

  // Connects; returns at once. Trainers are started when there is work for them. Once.
  void Start();
  // Takes no more work, checkpoints and hands back every trial, lets the trainers exit and ends the session: OK, or
  // ABORTED after `drain_timeout`.
  void Drain();
  // Ends the session now; trainers are killed when it is destroyed.
  void Abort();

  // What the connection tells of and asks for (connection.h).
  void OnRegistered(const v1::RegisterResponse& response) override;
  void OnRefused(const absl::Status& status) override;
  void OnLeases(const v1::AcquireResponse& response) override;
  void OnVerdict(const v1::Verdict& verdict) override;
  void OnCommand(const v1::Command& command) override;
  void OnLeaseDead(const LeaseKey& lease) override;
  void OnFinishAcknowledged(const LeaseKey& lease) override;
  void OnAcknowledged() override;
  std::vector<LeaseKey> HeldLeases() const override;
  int FreeSlots() const override;

  // What leases and slots tell of (lease_task.h, slot.h).
  void OnReportsQueued() override;
  void OnLeaseOver() override { ScheduleSweep(); }
  void OnSlotFree() override { ScheduleSweep(); }
  void OnHello(const HelloMessage& hello) override;

 private:
  // nullptr if it is not held.
  LeaseTask* Find(const LeaseKey& lease);
  void Take(const v1::Lease& lease);
  void PreemptAll();
  // Has Sweep run once the events at hand are through, however many ask for it.
  void ScheduleSweep();
  // Forgets the leases that are over, fills free slots, goes on with a drain.
  void Sweep();
  // Whether slots read what their trainers write: not while the queue of reports is full.
  void SetReading(bool on);
  void End(const absl::Status& status);

  boost::asio::io_context& io_;
  SessionOptions options_;
  OnEnd on_end_;
  ReportQueue reports_;
  LeaseServices services_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::map<LeaseKey, std::shared_ptr<LeaseTask>> tasks_;
  std::shared_ptr<Connection> connection_;
  boost::asio::steady_timer drain_timer_;
  bool draining_ = false;
  bool closing_ = false;
  bool reading_ = true;
  bool sweep_scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // expires with the session; guards what is still posted
};

}  // namespace athanor::session
