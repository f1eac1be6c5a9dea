// Which examples train and in which order: pure functions of seeds, the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

namespace athanor::training {

struct Split {
  std::vector<int64_t> train;       // ascending, disjoint from validation, together all of 0..count-1
  std::vector<int64_t> validation;  // ascending
};

// A seeded random share of round(count * validation_fraction) examples, at least 1 and at most count - 1, for
// validation. Throws InfeasibleError if count < 2.
Split MakeSplit(int64_t count, double validation_fraction, uint64_t split_seed);

// A uniformly random order of 0..count-1 (Fisher-Yates), a function of (seed, epoch) alone, so that a trial can be
// resumed in the middle of an epoch without storing it. O(count).
std::vector<int64_t> EpochOrder(int64_t count, uint64_t seed, int64_t epoch);

}  // namespace athanor::training
