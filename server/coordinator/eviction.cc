#include "server/coordinator/eviction.h"

#include <algorithm>

#include "server/coordinator/retention.h"

namespace athanor {
namespace {

TrialNumber TrialAt(const std::map<int64_t, OrderStatistics>::const_iterator& rung, int64_t left) {
  return rung->second.At(left - 1).second;
}

}  // namespace

EvictionOrder::EvictionOrder(const State& state) {
  for (const auto& [id, study] : state.studies) {
    const auto& paused = study->checkpoint_index().paused();
    if (paused.empty()) continue;
    Cursor cursor{study.get(), paused.begin(), paused.begin()->second.size()};
    if (Settle(cursor)) cursors_.push_back(cursor);
  }
}

bool EvictionOrder::Settle(Cursor& cursor) {
  const auto end = cursor.study->checkpoint_index().paused().end();
  for (;;) {
    while (cursor.left == 0) {
      if (++cursor.rung == end) return false;
      cursor.left = cursor.rung->second.size();
    }
    if (!IsAmongBest(*cursor.study, TrialAt(cursor.rung, cursor.left))) return true;
    --cursor.left;
  }
}

// The smallest goes first.
std::tuple<int64_t, double, StudyId> EvictionOrder::KeyOf(const Cursor& cursor) {
  const auto& [value, number] = cursor.rung->second.At(cursor.left - 1);
  const Trial& trial = cursor.study->trial(number);
  const OrderStatistics& entries = cursor.study->ladder().rung(trial.bracket, cursor.rung->first).entries();
  const double better = static_cast<double>(entries.Rank(value, number)) / static_cast<double>(entries.size());
  return {cursor.rung->first, -better, -cursor.study->id()};
}

std::optional<EvictionOrder::Victim> EvictionOrder::Next() {
  if (cursors_.empty()) return std::nullopt;
  const auto worst = std::ranges::min_element(cursors_, {}, &EvictionOrder::KeyOf);
  const Victim victim{worst->study, TrialAt(worst->rung, worst->left)};
  --worst->left;
  if (!Settle(*worst)) cursors_.erase(worst);
  return victim;
}

}  // namespace athanor
