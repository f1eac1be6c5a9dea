// The trials that this process was told to train, and what it was told about each: the mailbox between the thread that
// reads messages and the one that trains.
#pragma once

#include <deque>
#include <string>

#include "base/mutex.h"
#include "worker/trainer/messages.h"

namespace athanor {

// Thread-safe. Trials are trained one after another in the order of their starts.
class TrialQueue {
 public:
  // Never blocks. Takes a start that could not be understood too, so that its answer comes from the thread that writes
  // answers.
  void Start(StartMessage start);
  void Start(UnusableStart start);
  // Never blocks. Returns false if no such trial waits or trains: it has ended, and its end and the command have
  // crossed.
  bool Tell(const CommandMessage& command);

  struct Job {
    std::string trial;
    training::TrialSpec spec;
    std::string refusal;  // not empty: answer `failed` with this
    std::deque<training::Command> commands;
  };
  // The oldest job, which then counts as training until Finish. Blocks until there is one. The reference is valid until
  // Finish; its `commands` belong to the queue.
  const Job& Next();
  void Finish();

  // For the trial that trains: its next command, at once (kNone if there is none) or as soon as there is one.
  training::Command Poll();
  training::Command Await();

 private:
  void Push(Job job);
  training::Command TakeCommand() ATHANOR_REQUIRES(mutex_);

  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Job> jobs_ ATHANOR_GUARDED_BY(mutex_);  // the front one trains
};

}  // namespace athanor
