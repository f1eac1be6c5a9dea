#include "worker/trainer/trial_queue.h"

#include <algorithm>
#include <utility>

namespace athanor {

using training::Command;

void TrialQueue::Start(StartMessage start) {
  Push({.trial = std::move(start.trial), .spec = std::move(start.spec), .refusal = {}, .commands = {}});
}

void TrialQueue::Start(UnusableStart start) {
  Push({.trial = std::move(start.trial), .spec = {}, .refusal = std::move(start.reason), .commands = {}});
}

void TrialQueue::Push(Job job) {
  const MutexLock lock(mutex_);
  jobs_.push_back(std::move(job));
  changed_.NotifyAll();
}

bool TrialQueue::Tell(const CommandMessage& command) {
  const MutexLock lock(mutex_);
  const auto job = std::ranges::find(jobs_, command.trial, &Job::trial);
  if (job == jobs_.end()) return false;
  job->commands.push_back(command.command);
  changed_.NotifyAll();
  return true;
}

const TrialQueue::Job& TrialQueue::Next() {
  const MutexLock lock(mutex_);
  changed_.Wait(mutex_, [this] { return !jobs_.empty(); });
  return jobs_.front();
}

void TrialQueue::Finish() {
  const MutexLock lock(mutex_);
  jobs_.pop_front();
}

Command TrialQueue::Poll() {
  const MutexLock lock(mutex_);
  return TakeCommand();
}

Command TrialQueue::Await() {
  const MutexLock lock(mutex_);
  changed_.Wait(mutex_, [this] { return !jobs_.front().commands.empty(); });
  return TakeCommand();
}

Command TrialQueue::TakeCommand() {
  std::deque<Command>& commands = jobs_.front().commands;
  if (commands.empty()) return Command::kNone;
  const Command command = commands.front();
  commands.pop_front();
  return command;
}

}  // namespace athanor
