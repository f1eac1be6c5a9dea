// Which examples train and in which order: pure functions of seeds, the same on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace athanor::training {

struct Split {
  std::vector<int64_t> train;       // ascending, disjoint from validation, together all of 0..count-1
  std::vector<int64_t> validation;  // ascending; what is held out, also for the test
};

// A seeded random share of round(count * validation_fraction) examples, at least 1 and at most count - 1, for
// validation. Throws InfeasibleError if count < 2.
Split MakeSplit(int64_t count, double validation_fraction, uint64_t split_seed);

// The same number held out, but of each class its share: class c of n_c examples gives floor or ceil of n_c *
// validation_fraction (largest remainders first, so that the total is the same). classes: of each example, >= 0. Throws
// InfeasibleError if there are less than 2.
Split MakeStratifiedSplit(std::span<const int64_t> classes, double validation_fraction, uint64_t split_seed);

// A uniformly random order of 0..count-1 (Fisher-Yates), a function of (seed, epoch) alone, so that a trial can be
// resumed in the middle of an epoch without storing it. O(count).
std::vector<int64_t> EpochOrder(int64_t count, uint64_t seed, int64_t epoch);

// As many draws in random order, in which every class that there is comes equally often, but for one: a class's
// examples come once each in random order, then once again each, until it has its share. So common classes are not seen
// whole in one epoch, and rare ones several times. classes: of each example, >= 0, at least one. A function of
// (classes, seed, epoch). O(count).
std::vector<int64_t> BalancedEpochOrder(std::span<const int64_t> classes, uint64_t seed, int64_t epoch);

}  // namespace athanor::training
