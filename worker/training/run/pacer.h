// Time as the trainer needs it: elapsed training, when to say that it is alive, when to save.
//
// Nothing of what a trial learns depends on it: only what is reported as time, and when.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace athanor::training {

// Begins with training time standing. Reads the clock in every call. Not thread-safe.
class Pacer {
 public:
  // `checkpoint_interval` 0 = never due.
  Pacer(const Clock& clock, Duration checkpoint_interval)
      : clock_(clock), checkpoint_interval_(checkpoint_interval), last_report_(Now()), last_checkpoint_(Now()) {}

  // Training time runs between Resume and Suspend; holds and loading do not count. `elapsed_ms` = what earlier attempts
  // trained.
  void StartTraining(int64_t elapsed_ms) {
    elapsed_ = std::chrono::milliseconds(elapsed_ms);
    last_checkpoint_ = Now();
    Resume();
  }
  void Suspend() { elapsed_ += Now() - resumed_; }
  void Resume() { resumed_ = Now(); }
  // Training time so far, earlier attempts' included; milliseconds. Only while training time runs.
  int64_t ElapsedMs() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(elapsed_ + (Now() - resumed_)).count();
  }

  // True at most twice a second. Sets `since_last` to the seconds since it was true before.
  bool ReportDue(double& since_last) {
    const MonotonicTime now = Now();
    if (now - last_report_ < std::chrono::milliseconds(500)) return false;
    since_last = std::chrono::duration<double>(now - last_report_).count();
    last_report_ = now;
    return true;
  }

  // Whether `checkpoint_interval` has passed since the last checkpoint, or since training started. Stays true until
  // CheckpointWritten.
  bool CheckpointDue() const {
    return checkpoint_interval_ > Duration::zero() && Now() - last_checkpoint_ >= checkpoint_interval_;
  }
  void CheckpointWritten() { last_checkpoint_ = Now(); }

 private:
  MonotonicTime Now() const { return clock_.Read().monotonic; }

  const Clock& clock_;
  Duration checkpoint_interval_;
  MonotonicTime last_report_;
  MonotonicTime last_checkpoint_;
  MonotonicTime resumed_;
  Duration elapsed_{0};
};

}  // namespace athanor::training
