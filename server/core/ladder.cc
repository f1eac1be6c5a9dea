#include "server/core/ladder.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace athanor {

std::optional<double> Rung::ValueOf(TrialNumber trial) const {
  const Entry* const entry = EntryOf(trial);
  return entry == nullptr ? std::nullopt : std::optional(entry->value);
}

Ladder::Climber& Ladder::MakeClimber(TrialNumber trial) {
  const auto index = static_cast<size_t>(trial);
  if (climbers_.size() <= index) climbers_.resize(index + 1);
  climbers_[index].is_known = true;
  return climbers_[index];
}

Ladder::Climber* Ladder::FindClimber(TrialNumber trial) {
  const auto index = static_cast<size_t>(trial);
  return index < climbers_.size() && climbers_[index].is_known ? &climbers_[index] : nullptr;
}

Ladder::OneLadder& Ladder::MakeLadder(int64_t bracket) {
  const auto index = static_cast<size_t>(bracket);
  if (ladders_.size() <= index) ladders_.resize(index + 1);
  return ladders_[index];
}

Rung& Ladder::MakeRung(int64_t bracket, int64_t rung) {
  std::vector<Rung>& rungs = MakeLadder(bracket).rungs;
  const auto index = static_cast<size_t>(rung);
  if (rungs.size() <= index) rungs.resize(index + 1);
  return rungs[index];
}

void Ladder::Join(int64_t bracket, TrialNumber trial, int64_t first_rung) {
  Climber& climber = MakeClimber(trial);
  climber = {
      .bracket = static_cast<int32_t>(bracket), .first_rung = static_cast<int16_t>(first_rung), .is_known = true};
  MakeLadder(bracket);
  for (int64_t k = 0; k < first_rung; ++k) ++MakeRung(bracket, k).passing_;
  Start(trial);
}

void Ladder::Start(TrialNumber trial) {
  Climber* const climber = FindClimber(trial);
  if (climber == nullptr || climber->under_way) return;
  climber->under_way = true;
  CountUnderWay(*climber, +1);
}

void Ladder::Stop(TrialNumber trial) {
  Climber* const climber = FindClimber(trial);
  if (climber == nullptr || !climber->under_way) return;
  CountUnderWay(*climber, -1);
  climber->under_way = false;
}

void Ladder::CountUnderWay(const Climber& climber, int64_t change) {
  std::vector<int64_t>& under_way = MakeLadder(climber.bracket).under_way;
  const auto at = static_cast<size_t>(climber.highest + 1);
  if (under_way.size() <= at) under_way.resize(at + 1);
  under_way[at] += change;
}

void Ladder::Enter(const RungEntry& entry) {
  Rung& rung = MakeRung(entry.bracket, entry.rung);
  const auto [entered, is_new] = rung.by_trial_.Make(entry.trial);
  if (!is_new) {
    if (entered.value != std::numeric_limits<double>::infinity()) return;
    rung.entries_.Erase(entered.value, entry.trial);
    rung.waiting_.Erase(entered.value, entry.trial);
  }
  entered = {entry.value, entry.token};
  rung.entries_.Insert(entry.value, entry.trial);
  Climber& climber = MakeClimber(entry.trial);
  if (entry.value != std::numeric_limits<double>::infinity()) {
    climber.first_open = static_cast<int16_t>(std::max<int64_t>(climber.first_open, entry.rung + 1));
  }
  if (entry.rung > climber.highest) {
    if (climber.under_way) CountUnderWay(climber, -1);
    climber.highest = static_cast<int16_t>(entry.rung);
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
  if (at == nullptr || at->waiting_.empty()) return;
  if (const auto value = at->ValueOf(trial)) at->waiting_.Erase(*value, trial);
}

void Ladder::StopAllWaiting() {
  for (OneLadder& ladder : ladders_) {
    for (Rung& rung : ladder.rungs) rung.waiting_ = {};
  }
}

int64_t Ladder::UnderWayBelow(int64_t bracket, int64_t rung) const {
  const auto ladder = static_cast<size_t>(bracket);
  if (ladder >= ladders_.size()) return 0;
  const std::vector<int64_t>& under_way = ladders_[ladder].under_way;
  const size_t end = std::min(static_cast<size_t>(rung) + 1, under_way.size());
  return std::accumulate(under_way.begin(), under_way.begin() + static_cast<std::ptrdiff_t>(end), int64_t{0});
}

Rung* Ladder::Find(int64_t bracket, int64_t rung) {
  const auto ladder = static_cast<size_t>(bracket);
  const auto index = static_cast<size_t>(rung);
  if (ladder >= ladders_.size() || index >= ladders_[ladder].rungs.size()) return nullptr;
  return &ladders_[ladder].rungs[index];
}

}  // namespace athanor
