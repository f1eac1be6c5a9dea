#include "server/coordinator/checkpoint_index.h"

#include <algorithm>

namespace athanor {
namespace {

bool SameRow(const Checkpoint& a, const Checkpoint& b) { return a.token == b.token && a.step == b.step; }

bool Holds(const std::vector<Checkpoint>& checkpoints, const std::string& sha256) {
  return std::ranges::find(checkpoints, sha256, &Checkpoint::sha256) != checkpoints.end();
}

}  // namespace

const std::vector<Checkpoint>& CheckpointIndex::of(TrialNumber trial) const {
  static const std::vector<Checkpoint> kNone;
  const auto found = by_trial_.find(trial);
  return found == by_trial_.end() ? kNone : found->second;
}

void CheckpointIndex::Add(const Checkpoint& checkpoint) {
  std::vector<Checkpoint>& kept = by_trial_[checkpoint.trial];
  if (!Holds(kept, checkpoint.sha256)) bytes_ += checkpoint.size_bytes;
  const auto newer = [](const Checkpoint& a, const Checkpoint& b) {
    return std::pair(a.step, a.token) > std::pair(b.step, b.token);
  };
  kept.insert(std::ranges::upper_bound(kept, checkpoint, newer), checkpoint);
  if (kept.size() > 1) return;
  if (const auto at = standings_.find(checkpoint.trial); at != standings_.end()) List(checkpoint.trial, at->second);
}

void CheckpointIndex::Remove(const Checkpoint& checkpoint) {
  const auto found = by_trial_.find(checkpoint.trial);
  if (found == by_trial_.end()) return;
  std::vector<Checkpoint>& kept = found->second;
  const auto row = std::ranges::find_if(kept, [&](const Checkpoint& other) { return SameRow(other, checkpoint); });
  if (row == kept.end()) return;
  const Checkpoint removed = *row;
  kept.erase(row);
  if (!Holds(kept, removed.sha256)) bytes_ -= removed.size_bytes;
  if (!kept.empty()) return;
  by_trial_.erase(found);
  retryable_.erase(removed.trial);
  if (const auto at = standings_.find(removed.trial); at != standings_.end()) Unlist(removed.trial, at->second);
}

void CheckpointIndex::Pause(TrialNumber trial, int64_t rung, double value) {
  if (!by_trial_.contains(trial)) return;
  const Standing at{rung, value};
  standings_[trial] = at;
  List(trial, at);
}

void CheckpointIndex::End(TrialNumber trial) {
  if (by_trial_.contains(trial)) retryable_.insert(trial);
}

void CheckpointIndex::Resume(TrialNumber trial) {
  if (!retryable_.empty()) retryable_.erase(trial);
  if (standings_.empty()) return;
  const auto at = standings_.find(trial);
  if (at == standings_.end()) return;
  Unlist(trial, at->second);
  standings_.erase(at);
}

void CheckpointIndex::List(TrialNumber trial, const Standing& at) { paused_[at.rung].Insert(at.value, trial); }

void CheckpointIndex::Unlist(TrialNumber trial, const Standing& at) {
  const auto rung = paused_.find(at.rung);
  if (rung == paused_.end()) return;
  rung->second.Erase(at.value, trial);
  if (rung->second.empty()) paused_.erase(rung);
}

}  // namespace athanor
