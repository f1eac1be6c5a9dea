#include "worker/training/data/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "worker/training/errors.h"

namespace athanor::training {
namespace {

void Shuffle(std::vector<int64_t>& values, Random& random) {
  for (size_t left = values.size(); left > 1; --left) std::swap(values[left - 1], values[random.Below(left)]);
}

std::vector<int64_t> Shuffled(int64_t count, Random random) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  Shuffle(order, random);
  return order;
}

int64_t HeldOut(int64_t count, double fraction) {
  if (count < 2) {
    throw InfeasibleError(std::to_string(count) + " examples cannot be split in two");
  }
  return std::clamp<int64_t>(std::llround(static_cast<double>(count) * fraction), 1, count - 1);
}

// The examples of each class, ascending.
std::vector<std::vector<int64_t>> ByClass(std::span<const int64_t> classes) {
  std::vector<std::vector<int64_t>> examples(static_cast<size_t>(1 + *std::ranges::max_element(classes)));
  for (size_t i = 0; i < classes.size(); ++i) {
    examples[static_cast<size_t>(classes[i])].push_back(static_cast<int64_t>(i));
  }
  return examples;
}

// How many of each class are held out, `total` in all.
std::vector<int64_t> Shares(const std::vector<std::vector<int64_t>>& examples, double fraction, int64_t total) {
  std::vector<int64_t> shares;
  std::vector<double> remainders;
  for (const std::vector<int64_t>& of_class : examples) {
    const double exact = static_cast<double>(of_class.size()) * fraction;
    shares.push_back(static_cast<int64_t>(exact));
    remainders.push_back(exact - std::floor(exact));
    total -= shares.back();
  }
  std::vector<size_t> order(examples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](size_t i) { return remainders[i]; });
  for (size_t i = 0; i < order.size() && total > 0; ++i) {
    // A class without a remainder has given its share, or has no example.
    if (remainders[order[i]] == 0) break;
    ++shares[order[i]];
    --total;
  }
  return shares;
}

}  // namespace

Split MakeSplit(int64_t count, double validation_fraction, uint64_t split_seed) {
  const int64_t held_out = HeldOut(count, validation_fraction);
  const std::vector<int64_t> order = Shuffled(count, Random({HashString("split"), split_seed}));
  Split split;
  split.validation.assign(order.begin(), order.begin() + held_out);
  split.train.assign(order.begin() + held_out, order.end());
  std::ranges::sort(split.validation);
  std::ranges::sort(split.train);
  return split;
}

Split MakeStratifiedSplit(std::span<const int64_t> classes, double validation_fraction, uint64_t split_seed) {
  const int64_t held_out = HeldOut(std::ssize(classes), validation_fraction);
  std::vector<std::vector<int64_t>> examples = ByClass(classes);
  const std::vector<int64_t> shares = Shares(examples, validation_fraction, held_out);
  Split split;
  Random random({HashString("stratified split"), split_seed});
  for (size_t i = 0; i < examples.size(); ++i) {
    Shuffle(examples[i], random);
    const auto middle = examples[i].begin() + shares[i];
    split.validation.insert(split.validation.end(), examples[i].begin(), middle);
    split.train.insert(split.train.end(), middle, examples[i].end());
  }
  std::ranges::sort(split.validation);
  std::ranges::sort(split.train);
  return split;
}

std::vector<int64_t> EpochOrder(int64_t count, uint64_t seed, int64_t epoch) {
  return Shuffled(count, Random({HashString("epoch order"), seed, static_cast<uint64_t>(epoch)}));
}

std::vector<int64_t> BalancedEpochOrder(std::span<const int64_t> classes, uint64_t seed, int64_t epoch) {
  Random random({HashString("balanced epoch order"), seed, static_cast<uint64_t>(epoch)});
  std::vector<std::vector<int64_t>> examples = ByClass(classes);
  std::erase_if(examples, [](const std::vector<int64_t>& of_class) { return of_class.empty(); });
  // Which classes come once more than others where the examples do not divide evenly is drawn, too.
  std::vector<int64_t> turns(examples.size());
  std::iota(turns.begin(), turns.end(), int64_t{0});
  Shuffle(turns, random);
  std::vector<int64_t> order;
  order.reserve(classes.size());
  for (size_t turn = 0; turn < turns.size(); ++turn) {
    std::vector<int64_t>& of_class = examples[static_cast<size_t>(turns[turn])];
    const size_t share = classes.size() / turns.size() + (turn < classes.size() % turns.size() ? 1 : 0);
    for (size_t drawn = 0; drawn < share; ++drawn) {
      if (drawn % of_class.size() == 0) Shuffle(of_class, random);
      order.push_back(of_class[drawn % of_class.size()]);
    }
  }
  Shuffle(order, random);
  return order;
}

}  // namespace athanor::training
