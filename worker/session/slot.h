// One place to train a trial: a device and the trainer process that is kept warm on it.
//
// The process outlives its trials, so that device context and data set stay loaded. It is replaced after it crashed,
// stalled, disobeyed, violated the protocol or failed a trial (it may be out of memory), and when after a trial its
// resident memory exceeds a limit. A new one starts only when the old one is gone, since both would not fit on a
// device.
//
// Single-threaded, never blocks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "worker/session/child.h"
#include "worker/session/stall_detector.h"
#include "worker/session/trainer_protocol.h"

namespace athanor::session {

struct SlotOptions {
  std::vector<std::string> trainer;                  // program and arguments
  std::string device = "cpu";                        // what `start` tells the trainer
  int64_t max_child_memory_bytes = 0;                // resident, after a trial; 0 = no limit
  Duration obey_timeout = std::chrono::seconds(10);  // for stop, pause and exit, before the kill
  Duration hello_timeout = std::chrono::seconds(120);
  LogTail::Options log;
};

// Why a slot lost its child in the middle of a trial.
enum class ChildLoss {
  kCrashed,     // it exited or was killed by somebody else
  kStalled,     // killed for its silence
  kDisobeyed,   // killed because it did not stop or pause in time
  kMalformed,   // killed because it violated the protocol, or lived on with its output closed
  kNotStarted,  // there was no usable child to begin with
};

class Slot final : public Child::Observer {
 public:
  // The trial that a slot runs.
  class Trial {
   public:
    virtual ~Trial() = default;
    // A message about this trial. After one that ends the trial (TrainerMessage::EndsTrial) the slot has already let go
    // of it.
    virtual void OnTrainerMessage(const TrainerMessage& message) = 0;
    // What the child printed while it was this trial's.
    virtual void OnLog(std::string_view bytes) = 0;
    // The child is gone, or going; the slot has already let go of the trial. `reason`: what happened, then the log's
    // last lines.
    virtual void OnChildLost(ChildLoss loss, const std::string& reason) = 0;
  };

  class Observer {
   public:
    virtual ~Observer() = default;
    // The slot can take a trial, or (after Shutdown) its child is gone.
    virtual void OnSlotFree() = 0;
    virtual void OnHello(const HelloMessage& hello) = 0;
  };

  // `clock` and `observer` must outlive the slot.
  Slot(boost::asio::io_context& io, const Clock& clock, SlotOptions options, Observer* observer);
  ~Slot() override;

  // True if Reserve may be called.
  bool free() const { return !reserved_ && !trial_.has_value() && !shut_down_; }
  // True if there is no process.
  bool empty() const { return child_ == nullptr; }
  const std::string& device() const { return options_.device; }

  // Keeps the slot for a trial whose checkpoint is still being fetched, and warms its child up meanwhile. Only when
  // free().
  void Reserve();
  // Gives a reservation back without having started anything.
  void Release();
  // Runs the trial that the slot was reserved for, on a child still to be started if need be. `trial` must stay until
  // it ended or was lost.
  void Start(StartCommand command, Duration stall_timeout, Trial* trial);

  // Commands to the trial that runs. Pause and Stop start the obey timer; where no child has begun the trial yet, they
  // lose it at once (kNotStarted, from within the call).
  void Continue();
  void Pause();
  void Stop();
  // The trial waits at a hold: its silence is no stall.
  void Hold();

  // Back-pressure: with reading off the child blocks, and that is no stall.
  void SetReading(bool on);
  // Asks an idle child to exit, kills it after `obey_timeout`; kills a busy one at once. Then OnSlotFree. Nothing
  // starts any more.
  void Shutdown();

  void OnMessage(TrainerMessage message) override;
  void OnProtocolError(const absl::Status& error) override;
  void OnOutputClosed() override;
  void OnLog(std::string_view bytes) override;
  void OnExit(const ChildExit& exit) override;

 private:
  struct Running {
    StartCommand command;
    Duration stall_timeout;
    Trial* trial;
  };
  enum class State { kEmpty, kStarting, kIdle, kBusy, kRetiring };

  void Spawn();
  void OnHelloMessage(const HelloMessage& hello);
  void Begin();
  void Retire();
  void Interrupt(TrialCommand command);
  void SendCommand(TrialCommand command);
  void LoseTrial(ChildLoss loss, const std::string& what);
  void KillChild(ChildLoss loss, const std::string& what);
  void Watch();
  void OnWatch();
  MonotonicTime now() const { return clock_.Read().monotonic; }

  boost::asio::io_context& io_;
  const Clock& clock_;
  SlotOptions options_;
  Observer* observer_;
  State state_ = State::kEmpty;
  std::shared_ptr<Child> child_;
  std::optional<Running> trial_;
  StallDetector stall_;
  std::optional<MonotonicTime> obey_by_;  // of hello, stop, pause or exit, or of its death when its output is closed
  boost::asio::steady_timer watch_;
  bool output_closed_ = false;
  bool reading_ = true;
  bool holding_ = false;
  bool reserved_ = false;
  bool shut_down_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // expires with the slot; guards what is still posted
};

}  // namespace athanor::session
