// The trials that have files in a folder beside the database, in the order in which they lose them where room is
// wanted: first those that have ended, then the others; in either case the one first whose files were longest not
// written to. What is held of a trial, a size or an open log, is the folder's business.
//
// A study that was deleted takes its trials along and gets no new ones: what comes for it later finds that it is gone.
//
// Cost: each call is O(log n) in the trials, TakeStudy O(m log n) in those of the study as well. Does no I/O.
// Threads: not thread-safe; the folders guard it by a mutex that they never hold over I/O.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "server/store/trial_key.h"

namespace athanor {

// `Held` is default-constructible and movable.
template <typename Held>
class TrialShelf {
 public:
  // What is held of the trial, valid until it is taken out; null without anything.
  Held* Find(const TrialKey& trial) {
    const auto found = entries_.find(trial);
    return found == entries_.end() ? nullptr : &found->second.held;
  }

  // The files of the trial, which is `standing` kUnfinished or kEnded, were written to just now: of those that stand as
  // it does it is the last to go. A trial that is not there comes in with Held().
  Held& Use(const TrialKey& trial, TrialStanding standing) {
    Entry& entry = entries_[trial];
    order_.erase(OrderOf(trial, entry));
    entry.standing = standing;
    entry.used = next_use_++;
    order_.insert(OrderOf(trial, entry));
    return entry.held;
  }

  // The trial has ended: it is among the first to go, until it is used as one that has not. No-op if it is not there.
  void SetEnded(const TrialKey& trial) {
    const auto found = entries_.find(trial);
    if (found == entries_.end()) return;
    order_.erase(OrderOf(trial, found->second));
    found->second.standing = TrialStanding::kEnded;
    order_.insert(OrderOf(trial, found->second));
  }

  // Takes out the trial that is to go next; `spared` stays. Nothing if no other is there.
  std::optional<std::pair<TrialKey, Held>> TakeNext(const std::optional<TrialKey>& spared) {
    auto next = order_.begin();
    if (next != order_.end() && std::get<TrialKey>(*next) == spared) ++next;
    if (next == order_.end()) return std::nullopt;
    auto entry = entries_.extract(std::get<TrialKey>(*next));
    order_.erase(next);
    return std::pair(entry.key(), std::move(entry.mapped().held));
  }

  // Takes out all trials of a study, in order of number, and marks it as deleted.
  std::vector<Held> TakeStudy(StudyId study) {
    deleted_.insert(study);
    std::vector<Held> taken;
    auto entry = entries_.lower_bound({study, 0});
    while (entry != entries_.end() && entry->first.study == study) {
      order_.erase(OrderOf(entry->first, entry->second));
      taken.push_back(std::move(entry->second.held));
      entry = entries_.erase(entry);
    }
    return taken;
  }
  // Whether TakeStudy was called for it. Ids of studies are never reused.
  bool IsDeleted(StudyId study) const { return deleted_.contains(study); }

 private:
  struct Entry {
    Held held{};
    TrialStanding standing = TrialStanding::kUnfinished;
    uint64_t used = 0;  // grows with every use, over all trials
  };
  using Order = std::tuple<bool, uint64_t, TrialKey>;  // unfinished, used, trial
  static Order OrderOf(const TrialKey& trial, const Entry& entry) {
    return {entry.standing == TrialStanding::kUnfinished, entry.used, trial};
  }

  std::map<TrialKey, Entry> entries_;
  std::set<Order> order_;
  uint64_t next_use_ = 1;
  std::set<StudyId> deleted_;
};

}  // namespace athanor
