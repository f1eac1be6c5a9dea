// A batch trained in parts, whose gradients add up to the batch's: for activations that do not fit into memory at once.
#pragma once

#include <algorithm>
#include <cstdint>

namespace athanor::training {

// In how many parts a batch is trained. Plain number, for the checkpoint: parts change what batch normalisation sees
// and the order of sums, so a run that had to divide goes on divided.
class BatchParts {
 public:
  explicit BatchParts(int64_t parts) : parts_(parts) {}

  int64_t count() const { return parts_; }

  // Examples of each part of a batch of `size` >= 1, the last maybe fewer.
  int64_t PartSize(int64_t size) const { return (size + parts_ - 1) / parts_; }

  // Twice as many parts from now on. False if a part of a batch of `size` is a single example already.
  bool Divide(int64_t size) {
    if (PartSize(size) <= 1) return false;
    parts_ = std::min(2 * parts_, size);
    return true;
  }

 private:
  int64_t parts_;
};

}  // namespace athanor::training
