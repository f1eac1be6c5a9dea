// A map from trials to what only some of them have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "server/core/ids.h"

namespace athanor {

// For facts that come and go in about the order of trials: those of neighbours lie together, where a hash table would
// scatter them over all that it holds. With thousands of workers that is most of what a look at one costs.
//
// Pages of kPage trials, made for the first of them and freed with the last. Everything is O(1). Takes half a byte for
// every trial up to the largest that was ever in it, and kPage values for a page that holds any. What Find and Make
// return lives until that trial is erased. Numbers are not negative. Not thread-safe.
template <typename T>
class TrialMap {
 public:
  // nullptr if it is not there.
  const T* Find(TrialNumber trial) const {
    const size_t page = PageOf(trial);
    if (page >= pages_.size() || pages_[page] == nullptr || !pages_[page]->Has(trial)) return nullptr;
    return &pages_[page]->values[SlotOf(trial)];
  }
  T* Find(TrialNumber trial) { return const_cast<T*>(std::as_const(*this).Find(trial)); }

  // The trial's value, made by `T()` if it was not there, and whether it was made.
  std::pair<T&, bool> Make(TrialNumber trial) {
    const size_t at = PageOf(trial);
    if (at >= pages_.size()) pages_.resize(at + 1);
    if (pages_[at] == nullptr) pages_[at] = std::make_unique<Page>();
    Page& page = *pages_[at];
    const bool made = !page.Has(trial);
    page.present |= BitOf(trial);
    return {page.values[SlotOf(trial)], made};
  }

  // No-op if it is not there.
  void Erase(TrialNumber trial) {
    T* const value = Find(trial);
    if (value == nullptr) return;
    std::unique_ptr<Page>& page = pages_[PageOf(trial)];
    *value = T();
    page->present &= static_cast<uint16_t>(~BitOf(trial));
    if (page->present == 0) page.reset();
  }

 private:
  static constexpr size_t kPage = 16;

  static size_t PageOf(TrialNumber trial) { return static_cast<size_t>(trial) / kPage; }
  static size_t SlotOf(TrialNumber trial) { return static_cast<size_t>(trial) % kPage; }
  static uint16_t BitOf(TrialNumber trial) { return static_cast<uint16_t>(1U << SlotOf(trial)); }

  struct Page {
    bool Has(TrialNumber trial) const { return (present & BitOf(trial)) != 0; }
    uint16_t present = 0;  // a bit a slot
    std::array<T, kPage> values{};
  };
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace athanor
