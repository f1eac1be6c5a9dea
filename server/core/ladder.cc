#include "server/core/ladder.h"

#include <algorithm>
#include <limits>

namespace athanor {

std::optional<double> Rung::ValueOf(TrialNumber trial) const {
  const auto found = values_.find(trial);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

void Ladder::Join(int64_t bracket, TrialNumber trial, int64_t first_rung) {
  climbers_[trial] = {.bracket = bracket, .first_rung = first_rung};
  for (int64_t k = 0; k < std::max<int64_t>(first_rung, 1); ++k) rungs_[{bracket, k}].passing_ += k < first_rung;
  Start(trial);
}

void Ladder::Start(TrialNumber trial) {
  const auto found = climbers_.find(trial);
  if (found == climbers_.end() || found->second.under_way) return;
  found->second.under_way = true;
  CountUnderWay(found->second, +1);
}

void Ladder::Stop(TrialNumber trial) {
  const auto found = climbers_.find(trial);
  if (found == climbers_.end() || !found->second.under_way) return;
  CountUnderWay(found->second, -1);
  found->second.under_way = false;
}

void Ladder::CountUnderWay(const Climber& climber, int64_t change) {
  const auto at = under_way_.try_emplace({climber.bracket, climber.highest}, 0).first;
  at->second += change;
  if (at->second == 0) under_way_.erase(at);
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
  Climber& climber = climbers_[entry.trial];
  if (entry.rung > climber.highest) {
    if (climber.under_way) CountUnderWay(climber, -1);
    climber.highest = entry.rung;
    if (climber.under_way) CountUnderWay(climber, +1);
  }
  NotePairs(entry, climber.first_rung);
}

// The pairs that the entry completes: with the rung below, and with the one above where a +inf was replaced.
void Ladder::NotePairs(const RungEntry& entry, int64_t first_rung) {
  for (int64_t lower = std::max<int64_t>(entry.rung - 1, 0); lower <= entry.rung && lower < first_rung; ++lower) {
    Rung* const below = Find(entry.bracket, lower);
    const Rung* const above = Find(entry.bracket, lower + 1);
    if (below == nullptr || above == nullptr) continue;
    const auto from = below->ValueOf(entry.trial);
    const auto to = above->ValueOf(entry.trial);
    if (!from.has_value() || !to.has_value()) continue;
    below->unselected_[entry.trial] = {*from, *to};
    if (below->unselected_.size() > Rung::kMaxPairs) below->unselected_.erase(below->unselected_.begin());
  }
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
  const auto found = climbers_.find(trial);
  return found == climbers_.end() ? -1 : found->second.highest;
}

int64_t Ladder::UnderWayBelow(int64_t bracket, int64_t rung) const {
  int64_t trials = 0;
  for (auto at = under_way_.lower_bound({bracket, -1}); at != under_way_.end() && at->first < std::pair(bracket, rung);
       ++at) {
    trials += at->second;
  }
  return trials;
}

Rung* Ladder::Find(int64_t bracket, int64_t rung) {
  const auto found = rungs_.find({bracket, rung});
  return found == rungs_.end() ? nullptr : &found->second;
}

}  // namespace athanor
