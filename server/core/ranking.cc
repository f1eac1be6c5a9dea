#include "server/core/ranking.h"

#include <algorithm>

namespace athanor {

void Ranking::Note(const Change& change) {
  changes_.push_back(change);
  if (changes_.size() >= kMost) MakeChanges();
}

const OrderStatistics& Ranking::entries() const {
  if (!changes_.empty()) MakeChanges();
  return entries_;
}

void Ranking::MakeChanges() const {
  std::ranges::stable_sort(changes_, {}, &Change::entry);
  for (size_t i = 0; i < changes_.size(); ++i) {
    const auto& [entry, presence] = changes_[i];
    if (i + 1 < changes_.size() && changes_[i + 1].entry == entry) continue;  // the last word on an entry counts
    if (presence == Presence::kPresent) {
      entries_.Insert(entry.first, entry.second);
    } else {
      entries_.Erase(entry.first, entry.second);
    }
  }
  changes_.clear();
}

}  // namespace athanor
