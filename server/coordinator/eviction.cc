#include "server/coordinator/eviction.h"

#include <algorithm>
#include <set>

#include "server/coordinator/retention.h"

namespace athanor {
namespace {

TrialNumber TrialAt(const std::map<int64_t, OrderStatistics>::const_iterator& rung, int64_t left) {
  return rung->second.At(left - 1).second;
}

}  // namespace

EvictionOrder::EvictionOrder(const State& state) : studies_(state.studies), study_(state.studies.begin()) {
  for (const auto& [id, study] : studies_) {
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
  const OrderStatistics& entries = cursor.study->rung(trial, cursor.rung->first).entries();
  const double better = static_cast<double>(entries.Rank(value, number)) / static_cast<double>(entries.size());
  return {cursor.rung->first, -better, -cursor.study->id()};
}

std::optional<EvictionOrder::Victim> EvictionOrder::Next() {
  if (cursors_.empty()) return NextEnded();
  const auto worst = std::ranges::min_element(cursors_, {}, &EvictionOrder::KeyOf);
  const Victim victim{worst->study, TrialAt(worst->rung, worst->left)};
  --worst->left;
  if (!Settle(*worst)) cursors_.erase(worst);
  return victim;
}

std::optional<EvictionOrder::Victim> EvictionOrder::NextEnded() {
  for (; study_ != studies_.end(); ++study_, after_ = -1) {
    const LiveStudy& study = *study_->second;
    const std::set<TrialNumber>& ended = study.checkpoint_index().retryable();
    for (auto trial = ended.upper_bound(after_); trial != ended.end(); ++trial) {
      after_ = *trial;
      if (Retain(FactsOf(study, *trial), Retries::kFromScratch).newest == 0) return Victim{&study, *trial};
    }
  }
  return std::nullopt;
}

}  // namespace athanor
