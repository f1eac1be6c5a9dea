#include "server/core/ladder.h"

#include <algorithm>
#include <limits>

namespace athanor {

std::optional<double> Rung::ValueOf(TrialNumber trial) const {
  const auto found = values_.find(trial);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

void Ladder::Enter(const RungEntry& entry) {
  Rung& rung = rungs_[{entry.bracket, entry.rung}];
  const auto [found, inserted] = rung.values_.try_emplace(entry.trial, entry.value);
  if (!inserted) {
    if (found->second != std::numeric_limits<double>::infinity()) return;
    rung.entries_.Erase(found->second, entry.trial);
    rung.waiting_.Erase(found->second, entry.trial);
    found->second = entry.value;
  }
  rung.entries_.Insert(entry.value, entry.trial);
  int64_t& highest = highest_.try_emplace(entry.trial, entry.rung).first->second;
  highest = std::max(highest, entry.rung);
}

void Ladder::Wait(int64_t bracket, int64_t rung, TrialNumber trial) {
  Rung* const at = Find(bracket, rung);
  if (at == nullptr) return;
  if (const auto value = at->ValueOf(trial)) at->waiting_.Insert(*value, trial);
}

void Ladder::StopWaiting(int64_t bracket, int64_t rung, TrialNumber trial) {
  Rung* const at = Find(bracket, rung);
  if (at == nullptr) return;
  if (const auto value = at->ValueOf(trial)) at->waiting_.Erase(*value, trial);
}

const Rung& Ladder::rung(int64_t bracket, int64_t rung) const {
  const auto found = rungs_.find({bracket, rung});
  return found == rungs_.end() ? empty_ : found->second;
}

int64_t Ladder::HighestRung(TrialNumber trial) const {
  const auto found = highest_.find(trial);
  return found == highest_.end() ? -1 : found->second;
}

Rung* Ladder::Find(int64_t bracket, int64_t rung) {
  const auto found = rungs_.find({bracket, rung});
  return found == rungs_.end() ? nullptr : &found->second;
}

}  // namespace athanor
