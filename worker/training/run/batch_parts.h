// A batch trained in parts, whose gradients add up to the batch's: for activations that do not fit into memory at once.
#pragma once

#include <algorithm>
#include <cstdint>

namespace athanor::training {

// In how many parts a batch is trained. Plain number, for the checkpoint: parts change what batch normalisation sees
// and the order of sums, so a run that had to divide goes on divided.
class BatchParts {
 public:
  // `least` >= 1: examples that a part must have; 2 for a model that normalises over the batch, which cannot train on
  // one. A batch that is too small for so many parts, as the last one of an epoch may be, is divided into fewer.
  BatchParts(int64_t parts, int64_t least) : parts_(parts), least_(least) {}

  int64_t count() const { return parts_; }

  // The parts of a batch of `size` >= 1. Their sizes differ by one at most.
  int64_t CountOf(int64_t size) const { return std::min(parts_, MostOf(size)); }
  // Where part 0, 1, ... of such a batch begins; behind the last one its end, `size`.
  int64_t Begin(int64_t part, int64_t size) const { return part * size / CountOf(size); }

  // Twice as many parts from now on. False if a batch of `size` cannot be divided further.
  bool Divide(int64_t size) {
    if (CountOf(size) == MostOf(size)) return false;
    parts_ = std::min(2 * parts_, MostOf(size));
    return true;
  }

 private:
  int64_t MostOf(int64_t size) const { return std::max<int64_t>(1, size / least_); }

  int64_t parts_;
  int64_t least_;
};

}  // namespace athanor::training
