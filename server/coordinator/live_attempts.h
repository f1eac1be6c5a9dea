// The live leases of one study, and what only a live one needs.
//
// Every report, heartbeat and finish looks its lease up several times, and with thousands of workers each finds it
// cold: hence one table by trial number instead of a map of nodes. Owner thread only, like the study it belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "server/coordinator/reported_values.h"
#include "server/core/ids.h"
#include "server/core/trial.h"

namespace athanor {

// What a trainer says between measurements; never stored.
struct Progress {
  double fraction = 0;         // of the way to until_step, in [0, 1]
  int64_t optimizer_step = 0;  // batches so far
  double train_loss = 0;       // of the latest batches; may be non-finite
  double examples_per_second = 0;
};

// The objective of a trial at a step that counts.
struct CurvePointInMemory {
  int64_t step = 0;
  double value = 0;
  int64_t elapsed_ms = 0;
};

// That of one trial.
struct CurveInMemory {
  std::vector<CurvePointInMemory> points;  // by step
  std::vector<double> bests;               // LiveStudy::bests
};

// A lease. What every report looks at comes first and lies together.
struct LiveAttempt {
  MonotonicTime expires{};      // the lease is over then, unless it is heard of before
  int unlisted_heartbeats = 0;  // of its worker, in a row, that did not name it
  Attempt attempt;
  ReportedValues reported;                    // by this token
  CurveInMemory curve;                        // of its trial, earlier attempts included
  int64_t newest_checkpoint_at_start = 0;     // its step; 0: none. A failure is stuck if there is no newer one by then
  std::optional<Progress> progress;           // the latest; none yet, or its worker sends none
  std::optional<MonotonicTime> preempted_at;  // PREEMPT was pushed then
};

// At most one a trial. Found, added and removed in O(1), because every report asks for its own several times. Takes 4
// bytes for every trial up to the largest that ever had one, and the room of as many as ever lived at once. Not
// thread-safe.
class LiveAttempts {
 public:
  struct Item {
    TrialNumber trial = 0;
    const LiveAttempt& live;
  };

  // Walks them in whatever order: nothing that anybody sees may depend on it. Adding or removing one ends its validity.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Item;

    Item operator*() const { return {all_->trials_[at_], all_->slots_[at_]}; }
    Iterator& operator++() {
      ++at_;
      SkipFree();
      return *this;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class LiveAttempts;
    Iterator(const LiveAttempts* all, size_t at) : all_(all), at_(at) { SkipFree(); }
    void SkipFree() {
      while (at_ < all_->trials_.size() && all_->trials_[at_] == kFree) ++at_;
    }
    const LiveAttempts* all_;
    size_t at_;
  };

  // nullptr if the trial has none. Valid until it is removed.
  const LiveAttempt* Find(TrialNumber trial) const {
    const auto index = static_cast<size_t>(trial);
    if (index >= place_.size() || place_[index] == kNone) return nullptr;
    return &slots_[static_cast<size_t>(place_[index])];
  }
  LiveAttempt* Find(TrialNumber trial) { return const_cast<LiveAttempt*>(std::as_const(*this).Find(trial)); }
  // A new one, to be filled in. The trial has none.
  LiveAttempt& Add(TrialNumber trial);
  // The trial has one.
  void Remove(TrialNumber trial);

  int64_t size() const { return static_cast<int64_t>(trials_.size() - free_.size()); }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, trials_.size()}; }
  // The trials that have one, ascending. O(n log n).
  std::vector<TrialNumber> Trials() const;

 private:
  static constexpr int32_t kNone = -1;
  static constexpr TrialNumber kFree = -1;

  std::vector<int32_t> place_;  // in slots_, by trial
  std::deque<LiveAttempt> slots_;
  std::vector<TrialNumber> trials_;  // whose each slot is; kFree
  std::vector<int32_t> free_;        // of slots_
};

}  // namespace athanor
