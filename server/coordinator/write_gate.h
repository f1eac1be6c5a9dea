// Whether the coordinator may write. After a commit that the disk refused (full, I/O error, read-only, corrupt) writes
// are refused up front, so that a disk that stays full costs neither a rebuild of memory a call nor a line of the log a
// tick. Now and then one group is let through to try; its success opens the gate.
//
// Errors that say something of the batch and nothing of the disk (a row that exists already) leave the gate open.
//
// Owner thread only.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"

namespace athanor {

class WriteGate {
 public:
  enum class State {
    kOpen,
    kTrying,  // writes failed until now; the next commit decides
    kClosed,
  };
  // What a group that starts at `now` may do.
  State At(MonotonicTime now) const;

  // Why the last commit that the disk decided failed; OK while writes succeed.
  const absl::Status& error() const { return error_; }
  // What a call that would write is told: error(), and that it may try again.
  absl::Status Refusal() const;

  // A commit that wrote something ended. Logs a failure a minute at most, and the recovery from a failure that it
  // logged.
  void Committed(const absl::Status& status, MonotonicTime now);

 private:
  // Between a failure and the next try. Doubles while tries fail, and also when a small group got through and the next
  // larger one did not.
  static constexpr Duration kShortestWait = std::chrono::seconds(1);
  static constexpr Duration kLongestWait = std::chrono::seconds(8);

  void Close(const absl::Status& status, MonotonicTime now);
  void Open(MonotonicTime now);

  absl::Status error_;
  Duration wait_ = kShortestWait;
  MonotonicTime next_try_{};
  MonotonicTime closed_at_{};
  MonotonicTime opened_at_ = MonotonicTime::min();
  MonotonicTime next_line_ = MonotonicTime::min();
  bool logged_ = false;  // since the gate closed
};

}  // namespace athanor
