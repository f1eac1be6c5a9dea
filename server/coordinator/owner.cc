#include "server/coordinator/owner.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

namespace athanor {

Owner::Owner(Store& store, OwnedState& state, const Clock& clock, OwnerOptions options)
    : store_(store), state_(state), clock_(clock), options_(options) {}

absl::Status Owner::Post(Operation operation) {
  {
    const MutexLock lock(mutex_);
    if (stopped_) return absl::UnavailableError("the coordinator is shutting down");
    if (queue_.size() >= options_.queue_limit) {
      return absl::ResourceExhaustedError("the coordinator's queue is full; retry with back-off");
    }
    queue_.push_back(std::move(operation));
    ++posted_;
    if (queue_.size() != 1) return absl::OkStatus();  // the owner knows already
  }
  wake_.NotifyOne();
  return absl::OkStatus();
}

void Owner::Run() {
  for (;;) {
    {
      const MutexLock lock(mutex_);
      wake_.Wait(mutex_, [this] { return stopped_ || !queue_.empty(); });
      if (queue_.empty()) return;
    }
    RunOnce();
  }
}

void Owner::Stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  wake_.NotifyAll();
}

void Owner::Drain() {
  const MutexLock lock(mutex_);
  drained_.Wait(mutex_, [this, until = posted_] { return operations_ >= until; });
}

bool Owner::RunOnce() {
  std::deque<Operation> group;
  {
    const MutexLock lock(mutex_);
    if (queue_.size() <= options_.group_limit) {
      group.swap(queue_);
    } else {
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(options_.group_limit);
      group.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
      queue_.erase(queue_.begin(), end);
    }
  }
  if (group.empty()) return false;
  const auto size = static_cast<int64_t>(group.size());
  RunGroup(std::move(group));
  {
    const MutexLock lock(mutex_);
    operations_ += size;
  }
  drained_.NotifyAll();
  return true;
}

void Owner::RunGroup(std::deque<Operation> group) {
  Transaction transaction;
  transaction.now = clock_.Read();
  const WriteGate::State gate = gate_.At(transaction.now.monotonic);
  if (gate == WriteGate::State::kClosed) transaction.writable = gate_.Refusal();
  transaction.tries_to_write = gate == WriteGate::State::kTrying;
  std::vector<Reply> replies;
  replies.reserve(group.size());
  for (Operation& operation : group) replies.push_back(operation(transaction));
  state_.FinishGroup(transaction);

  const bool changes = !transaction.changes.empty();
  absl::Status status;
  if (changes) {
    options_.faults.Pass(FaultPoint::kGroupApplied);
    status = Commit(transaction);
    options_.faults.Pass(FaultPoint::kGroupCommitted);
  }
  if (status.ok()) {
    for (const auto& action : transaction.after_commit) action();
  } else {
    state_.Rebuild(transaction);
  }
  if (changes) options_.faults.Pass(FaultPoint::kGroupPublished);
  for (const Reply& reply : replies) {
    if (reply) reply(status);
  }
  for (const auto& reply : transaction.replies) reply(status);
  if (changes) options_.faults.Pass(FaultPoint::kGroupAnswered);
}

absl::Status Owner::Commit(const Transaction& transaction) {
  const MonotonicTime start = clock_.Read().monotonic;
  const absl::Status status = store_.Commit(transaction.changes);
  const MonotonicTime end = clock_.Read().monotonic;
  gate_.Committed(status, end);
  if (!status.ok() && gate_.error().ok()) {
    spdlog::error("commit of {} changes failed: {}", transaction.changes.size(), status.ToString());
  }
  const std::chrono::duration<float, std::milli> took = end - start;
  const MutexLock lock(mutex_);
  commit_ms_[static_cast<size_t>(commits_++) % commit_ms_.size()] = took.count();
  write_error_ = std::string(gate_.error().message());
  return status;
}

OwnerStatistics Owner::statistics() const {
  OwnerStatistics statistics;
  std::vector<float> commits;
  {
    const MutexLock lock(mutex_);
    statistics.commits = commits_;
    statistics.operations = operations_;
    statistics.queued = static_cast<int64_t>(queue_.size());
    statistics.write_error = write_error_;
    commits.assign(commit_ms_.begin(), commit_ms_.begin() + std::min<int64_t>(commits_, 1024));
  }
  if (commits.empty()) return statistics;
  std::ranges::sort(commits);
  statistics.commit_p50_ms = commits[commits.size() / 2];
  statistics.commit_p99_ms = commits[commits.size() * 99 / 100];
  return statistics;
}

}  // namespace athanor
