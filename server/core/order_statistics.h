// A set of (value, trial) pairs that knows ranks: what rungs, percentiles and rankings are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "server/core/ids.h"

namespace athanor {

// Ordered by value, ties by lower trial number. Values must not be NaN. Not thread-safe.
//
// Sorted blocks of at most kBlock entries, one after the other, with the number of entries before each block in a
// Fenwick tree (Fenwick 1994): a search runs through memory that lies together instead of down a tree of nodes. The
// best entry is found in O(1). With n entries everything else takes O(log n) steps; a change also moves up to kBlock
// entries of 16 bytes, and every kBlock / 2 of them the list of blocks. Up to a million entries: about 0.1
// microseconds each, and 24 bytes an entry, where they come in random order.
class OrderStatistics {
 public:
  using Entry = std::pair<double, TrialNumber>;

 private:
  // Entries in order. Values lie apart from trials: a search looks at values alone unless they tie, and what a change
  // moves are plain numbers.
  class Run {
   public:
    size_t size() const { return values_.size(); }
    Entry operator[](size_t at) const { return {values_[at], trials_[at]}; }
    Entry back() const { return {values_.back(), trials_.back()}; }
    // How many of them come before `entry`.
    size_t CountBefore(const Entry& entry) const;

    void Reserve(size_t size);
    void Set(size_t at, const Entry& entry);
    void Insert(size_t at, const Entry& entry);
    void Erase(size_t at);
    // Those from `at` on go to the end of `other`.
    void MoveTail(size_t at, Run& other);

   private:
    std::vector<double> values_;
    std::vector<TrialNumber> trials_;
  };

 public:
  // Walks the entries, best first. Any change ends its validity.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Entry;

    Iterator() = default;
    Entry operator*() const { return (*block_)[at_]; }
    Iterator& operator++() {
      if (++at_ == block_->size()) {
        ++block_;
        at_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    friend class OrderStatistics;
    explicit Iterator(const Run* block) : block_(block) {}
    const Run* block_ = nullptr;
    size_t at_ = 0;
  };

  // No-op if present.
  void Insert(double value, TrialNumber trial);
  // No-op if absent.
  void Erase(double value, TrialNumber trial);
  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // How many values are strictly smaller.
  int64_t CountBelow(double value) const { return Rank(value, std::numeric_limits<TrialNumber>::min()); }
  // How many entries come before this one.
  int64_t Rank(double value, TrialNumber trial) const;
  // 0 <= rank < size().
  Entry At(int64_t rank) const;

  Iterator begin() const { return Iterator(blocks_.data()); }
  Iterator end() const { return Iterator(blocks_.data() + blocks_.size()); }

 private:
  static constexpr size_t kBlock = 256;

  // The first block that holds this entry or a later one; the number of blocks if none does.
  size_t BlockOf(const Entry& entry) const;
  int64_t CountBefore(size_t block) const;
  // The block has so many entries more.
  void Count(size_t block, int64_t change);
  void CountAll();
  void Split(size_t block);
  // After entries were taken from the block.
  void Shrink(size_t block);
  void Join(size_t block);  // with the next one

  int64_t size_ = 0;
  std::vector<Run> blocks_;      // none of them empty
  Run lasts_;                    // of each block
  std::vector<int64_t> counts_;  // Fenwick tree over the sizes of the blocks, from index 1
};

}  // namespace athanor
