#include "worker/training/data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

std::vector<int64_t> Shuffled(int64_t count, Random random) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t left = order.size(); left > 1; --left) std::swap(order[left - 1], order[random.Below(left)]);
  return order;
}

}  // namespace

Split MakeSplit(int64_t count, double validation_fraction, uint64_t split_seed) {
  if (count < 2) {
    throw InfeasibleError(std::to_string(count) + " training examples cannot be split into training and validation");
  }
  const std::vector<int64_t> order = Shuffled(count, Random({HashString("split"), split_seed}));
  const int64_t held_out =
      std::clamp<int64_t>(std::llround(static_cast<double>(count) * validation_fraction), 1, count - 1);
  Split split;
  split.validation.assign(order.begin(), order.begin() + held_out);
  split.train.assign(order.begin() + held_out, order.end());
  std::ranges::sort(split.validation);
  std::ranges::sort(split.train);
  return split;
}

std::vector<int64_t> EpochOrder(int64_t count, uint64_t seed, int64_t epoch) {
  return Shuffled(count, Random({HashString("epoch order"), seed, static_cast<uint64_t>(epoch)}));
}

}  // namespace athanor::training
