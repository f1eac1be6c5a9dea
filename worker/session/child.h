// One trainer process: started, spoken to, listened to, and ended for certain.
//
// The child runs in its own process group with stdin from /dev/null, stdout and stderr on one log pipe, fd 3 and fd 4
// as the trainer protocol wants them, and no other descriptor of this process. It dies when this process does, whatever
// it is doing then. Its death is seen through a pidfd; then
// its whole group is killed, what it had still written is delivered, and OnExit is called, last of all.
//
// Single-threaded: everything happens on the io_context's thread, nothing blocks. The process must ignore SIGPIPE.
#pragma once

#include <sys/types.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/session/log_tail.h"
#include "worker/session/trainer_protocol.h"

namespace athanor::session {

// How a process ended: an exit code, or the signal that killed it.
struct ChildExit {
  int code = 0;    // of _exit; meaningless if `signal` is not 0
  int signal = 0;  // 0 = it left by itself

  // "exit code 3", "signal 11 (Segmentation fault)".
  std::string ToString() const;
};

class Child : public std::enable_shared_from_this<Child> {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnMessage(TrainerMessage message) = 0;
    // The child wrote what is not the protocol. Nothing more of it is delivered but its exit; the observer should kill
    // it.
    virtual void OnProtocolError(const absl::Status& error) = 0;
    // It closed its end of fd 4: nothing more comes of it but its exit, which follows at once unless it lives on.
    virtual void OnOutputClosed() {}
    // What it wrote to stdout and stderr, as it came. For an observer whom log() is enough there is nothing to do.
    virtual void OnLog(std::string_view /*bytes*/) {}
    // The process is gone. Called once, last.
    virtual void OnExit(const ChildExit& exit) = 0;
  };

  // `command`: program (looked up in PATH if it has no slash) and arguments. The observer must outlive the child or be
  // detached. INTERNAL, naming program and cause, if it cannot be started.
  static absl::StatusOr<std::shared_ptr<Child>> Spawn(boost::asio::io_context& io,
                                                      const std::vector<std::string>& command,
                                                      const LogTail::Options& log, Observer* observer);
  // Kills and reaps what still runs; waits for the kernel at most a second.
  ~Child();

  // Queues a line, its end included. What a dead or leaving child does not read is dropped.
  void Send(std::string line);
  // Closes fd 3 once everything queued is written: the child is to exit.
  void CloseInput();
  // Back-pressure: with reading off, the child blocks when its pipe is full. Its log is read on.
  void SetReading(bool on);
  // Delivers the log that it has written by now, which may lie in the pipe still when a message of fd 4 that was
  // written later has arrived.
  void DrainLog();
  // SIGKILL to the whole process group. OnExit follows.
  void Kill();
  // No observer is called any more.
  void Detach() { observer_ = nullptr; }

  pid_t pid() const { return pid_; }
  // Resident memory; 0 if it cannot be read.
  int64_t ResidentBytes() const;
  LogTail& log() { return log_; }

 private:
  using Descriptor = boost::asio::posix::stream_descriptor;

  Child(boost::asio::io_context& io, const LogTail::Options& log, Observer* observer);

  absl::Status Launch(const std::vector<std::string>& command);
  void ReadMessages();
  void ReadLog();
  void WriteNext();
  void WaitForExit();
  void OnDead();
  void DrainAfterDeath();
  void Deliver(std::string_view bytes);
  void DeliverLog(std::string_view bytes);

  Observer* observer_;
  pid_t pid_ = 0;
  bool reaped_ = true;  // or not yet started: there is nobody to signal
  bool reading_ = true;
  bool read_pending_ = false;
  bool closing_ = false;  // no more input after what is queued
  bool broken_ = false;   // the protocol was violated
  Descriptor input_;      // the child's fd 3
  Descriptor output_;     // the child's fd 4
  Descriptor log_pipe_;
  Descriptor pidfd_;
  std::deque<std::string> writes_;  // the front is being written
  std::array<char, 64 << 10> output_buffer_;
  std::array<char, 16 << 10> log_buffer_;
  LineSplitter splitter_;
  LogTail log_;
};

}  // namespace athanor::session
