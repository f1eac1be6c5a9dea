// The registered checkpoints of one study: whose they are, how much they take, and who could do without.
// Kept up to date change by change by the study's owner.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/core/ids.h"
#include "server/core/order_statistics.h"
#include "server/core/trial.h"

namespace athanor {

// Not thread-safe. Changes are O(log n) in the paused trials, plus the checkpoints of the one trial.
class CheckpointIndex {
 public:
  using ByTrial = std::unordered_map<TrialNumber, std::vector<Checkpoint>>;

  // Of a trial, newest first: by step, then by token. The reference lives until the trial's checkpoints change.
  const std::vector<Checkpoint>& of(TrialNumber trial) const;
  // Trials without a checkpoint are left out.
  const ByTrial& all() const { return by_trial_; }
  // What the files take: the same file twice in one trial, as deterministic training writes it again, counts once.
  int64_t bytes() const { return bytes_; }

  // The row is not there yet. A trial that PAUSED without any checkpoint gets none before Resume: only a live lease can
  // bring one.
  void Add(const Checkpoint& checkpoint);
  // No-op if the row is not there.
  void Remove(const Checkpoint& checkpoint);

  // The trial is PAUSED at `rung`, which it entered with `value` (oriented, not NaN), and until Resume.
  void Pause(TrialNumber trial, int64_t rung, double value);
  // The trial has ended and could be retried.
  void End(TrialNumber trial);
  // It is PAUSED, or ended, no more. No-op if it was neither.
  void Resume(TrialNumber trial);
  // The PAUSED trials that hold a checkpoint, by rung; no rung without one.
  const std::map<int64_t, OrderStatistics>& paused() const { return paused_; }
  // The trials that hold a checkpoint, have ended and could be retried.
  const std::set<TrialNumber>& retryable() const { return retryable_; }

 private:
  struct Standing {
    int64_t rung = 0;
    double value = 0;
  };
  void List(TrialNumber trial, const Standing& at);
  void Unlist(TrialNumber trial, const Standing& at);

  ByTrial by_trial_;
  int64_t bytes_ = 0;
  absl::flat_hash_map<TrialNumber, Standing> standings_;  // of PAUSED trials that had a checkpoint then
  std::map<int64_t, OrderStatistics> paused_;
  std::set<TrialNumber> retryable_;
};

}  // namespace athanor
