#include "server/core/order_statistics.h"

#include <algorithm>
#include <bit>

namespace athanor {
namespace {

// Without branches, because where a value falls cannot be predicted.
bool IsBefore(const OrderStatistics::Entry& a, const OrderStatistics::Entry& b) {
  return (a.first < b.first) | ((a.first == b.first) & (a.second < b.second));
}

// How many of the entries come before `entry`.
size_t LowerBound(const std::vector<OrderStatistics::Entry>& entries, const OrderStatistics::Entry& entry) {
  if (entries.empty()) return 0;
  const OrderStatistics::Entry* first = entries.data();
  size_t left = entries.size();
  while (left > 1) {
    const size_t half = left / 2;
    first += IsBefore(first[half - 1], entry) ? half : 0;
    left -= half;
  }
  return static_cast<size_t>(first - entries.data()) + (IsBefore(*first, entry) ? 1 : 0);
}

// The same, where the entries have not been looked at lately: the first probes of the search are fetched side by side.
size_t ColdLowerBound(const std::vector<OrderStatistics::Entry>& entries, const OrderStatistics::Entry& entry) {
  for (size_t eighth = 1; eighth < 8; ++eighth) __builtin_prefetch(entries.data() + entries.size() * eighth / 8);
  return LowerBound(entries, entry);
}

}  // namespace

size_t OrderStatistics::BlockOf(const Entry& entry) const { return LowerBound(lasts_, entry); }

void OrderStatistics::Insert(double value, TrialNumber trial) {
  const Entry entry(value, trial);
  if (blocks_.empty()) {
    blocks_.emplace_back();
    lasts_.push_back(entry);
    CountAll();
  }
  size_t at = std::min(BlockOf(entry), blocks_.size() - 1);
  if (blocks_[at].size() == kBlock) {
    Split(at);
    if (IsBefore(lasts_[at], entry)) ++at;
  }
  Block& block = blocks_[at];
  const size_t place = ColdLowerBound(block, entry);
  if (place < block.size() && block[place] == entry) return;
  block.insert(block.begin() + static_cast<std::ptrdiff_t>(place), entry);
  lasts_[at] = block.back();
  Count(at, 1);
  ++size_;
}

void OrderStatistics::Erase(double value, TrialNumber trial) {
  const Entry entry(value, trial);
  const size_t at = BlockOf(entry);
  if (at == blocks_.size()) return;
  Block& block = blocks_[at];
  const size_t place = ColdLowerBound(block, entry);
  if (block[place] != entry) return;
  block.erase(block.begin() + static_cast<std::ptrdiff_t>(place));
  Count(at, -1);
  --size_;
  Shrink(at);
}

int64_t OrderStatistics::Rank(double value, TrialNumber trial) const {
  const Entry entry(value, trial);
  const size_t at = BlockOf(entry);
  if (at == blocks_.size()) return size_;
  return CountBefore(at) + static_cast<int64_t>(ColdLowerBound(blocks_[at], entry));
}

const OrderStatistics::Entry& OrderStatistics::At(int64_t rank) const {
  // The best few are asked for most.
  if (rank < static_cast<int64_t>(blocks_.front().size())) return blocks_.front()[static_cast<size_t>(rank)];
  size_t at = 0;
  for (size_t step = std::bit_floor(blocks_.size()); step > 0; step /= 2) {
    if (at + step > blocks_.size() || counts_[at + step] > rank) continue;
    at += step;
    rank -= counts_[at];
  }
  return blocks_[at][static_cast<size_t>(rank)];
}

int64_t OrderStatistics::CountBefore(size_t block) const {
  int64_t count = 0;
  for (; block > 0; block &= block - 1) count += counts_[block];
  return count;
}

void OrderStatistics::Count(size_t block, int64_t change) {
  for (size_t at = block + 1; at < counts_.size(); at += at & (~at + 1)) counts_[at] += change;
}

void OrderStatistics::CountAll() {
  counts_.assign(blocks_.size() + 1, 0);
  for (size_t at = 1; at < counts_.size(); ++at) {
    counts_[at] += static_cast<int64_t>(blocks_[at - 1].size());
    const size_t above = at + (at & (~at + 1));
    if (above < counts_.size()) counts_[above] += counts_[at];
  }
}

void OrderStatistics::Split(size_t block) {
  const auto next = static_cast<std::ptrdiff_t>(block) + 1;
  Block upper;
  upper.reserve(kBlock);
  upper.assign(blocks_[block].begin() + kBlock / 2, blocks_[block].end());
  blocks_[block].resize(kBlock / 2);
  lasts_.insert(lasts_.begin() + next, upper.back());
  lasts_[block] = blocks_[block].back();
  blocks_.insert(blocks_.begin() + next, std::move(upper));
  CountAll();
}

void OrderStatistics::Shrink(size_t block) {
  const size_t left = blocks_[block].size();
  if (left == 0) {
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(block));
    lasts_.erase(lasts_.begin() + static_cast<std::ptrdiff_t>(block));
    CountAll();
    return;
  }
  lasts_[block] = blocks_[block].back();
  // Half a block at most, so that a join is as rare as a split.
  const auto fits = [&](size_t other) { return left + blocks_[other].size() <= kBlock / 2; };
  if (block + 1 < blocks_.size() && fits(block + 1)) {
    Join(block);
  } else if (block > 0 && fits(block - 1)) {
    Join(block - 1);
  }
}

void OrderStatistics::Join(size_t block) {
  const auto next = static_cast<std::ptrdiff_t>(block) + 1;
  blocks_[block].insert(blocks_[block].end(), blocks_[block + 1].begin(), blocks_[block + 1].end());
  lasts_[block] = lasts_[block + 1];
  blocks_.erase(blocks_.begin() + next);
  lasts_.erase(lasts_.begin() + next);
  CountAll();
}

}  // namespace athanor
