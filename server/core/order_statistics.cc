#include "server/core/order_statistics.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace athanor {

// By plain binary searches: where a value falls cannot be predicted, but a processor that guesses fetches the next
// probe before it knows whether it is one, and half of the guesses are right. A search without branches waits for each.
size_t OrderStatistics::Run::CountBefore(const Entry& entry) const {
  const auto& [value, trial] = entry;
  const auto first = std::lower_bound(values_.begin(), values_.end(), value);
  const auto at = first - values_.begin();
  if (first == values_.end() || *first != value) return static_cast<size_t>(at);
  const auto ties = std::upper_bound(first, values_.end(), value) - first;
  const auto trials = trials_.begin() + at;
  return static_cast<size_t>(std::lower_bound(trials, trials + ties, trial) - trials_.begin());
}

void OrderStatistics::Run::Reserve(size_t size) {
  values_.reserve(size);
  trials_.reserve(size);
}

void OrderStatistics::Run::Set(size_t at, const Entry& entry) {
  values_[at] = entry.first;
  trials_[at] = entry.second;
}

void OrderStatistics::Run::Insert(size_t at, const Entry& entry) {
  values_.insert(values_.begin() + static_cast<std::ptrdiff_t>(at), entry.first);
  trials_.insert(trials_.begin() + static_cast<std::ptrdiff_t>(at), entry.second);
}

void OrderStatistics::Run::Erase(size_t at) {
  values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(at));
  trials_.erase(trials_.begin() + static_cast<std::ptrdiff_t>(at));
}

void OrderStatistics::Run::MoveTail(size_t at, Run& other) {
  other.values_.insert(other.values_.end(), values_.begin() + static_cast<std::ptrdiff_t>(at), values_.end());
  other.trials_.insert(other.trials_.end(), trials_.begin() + static_cast<std::ptrdiff_t>(at), trials_.end());
  values_.resize(at);
  trials_.resize(at);
}

size_t OrderStatistics::BlockOf(const Entry& entry) const { return lasts_.CountBefore(entry); }

void OrderStatistics::Insert(double value, TrialNumber trial) {
  const Entry entry(value, trial);
  if (blocks_.empty()) {
    blocks_.emplace_back();
    lasts_.Insert(0, entry);
    CountAll();
  }
  size_t at = std::min(BlockOf(entry), blocks_.size() - 1);
  if (blocks_[at].size() == kBlock) {
    Split(at);
    if (lasts_[at] < entry) ++at;
  }
  Run& block = blocks_[at];
  const size_t place = block.CountBefore(entry);
  if (place < block.size() && block[place] == entry) return;
  block.Insert(place, entry);
  lasts_.Set(at, block.back());
  Count(at, 1);
  ++size_;
}

void OrderStatistics::Erase(double value, TrialNumber trial) {
  const Entry entry(value, trial);
  const size_t at = BlockOf(entry);
  if (at == blocks_.size()) return;
  Run& block = blocks_[at];
  const size_t place = block.CountBefore(entry);
  if (block[place] != entry) return;
  block.Erase(place);
  Count(at, -1);
  --size_;
  Shrink(at);
}

int64_t OrderStatistics::Rank(double value, TrialNumber trial) const {
  const Entry entry(value, trial);
  const size_t at = BlockOf(entry);
  if (at == blocks_.size()) return size_;
  return CountBefore(at) + static_cast<int64_t>(blocks_[at].CountBefore(entry));
}

OrderStatistics::Entry OrderStatistics::At(int64_t rank) const {
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
  Run upper;
  upper.Reserve(kBlock);
  blocks_[block].MoveTail(kBlock / 2, upper);
  lasts_.Insert(block, blocks_[block].back());
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(block) + 1, std::move(upper));
  CountAll();
}

void OrderStatistics::Shrink(size_t block) {
  const size_t left = blocks_[block].size();
  if (left == 0) {
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(block));
    lasts_.Erase(block);
    CountAll();
    return;
  }
  lasts_.Set(block, blocks_[block].back());
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
  blocks_[block + 1].MoveTail(0, blocks_[block]);
  blocks_.erase(blocks_.begin() + next);
  lasts_.Erase(block);
  CountAll();
}

}  // namespace athanor
