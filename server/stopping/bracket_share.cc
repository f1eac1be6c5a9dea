#include "server/stopping/bracket_share.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/random.h"

namespace athanor {
namespace {

constexpr double kPriorPrecision = 0.8;
constexpr double kPriorPairs = 3;
constexpr double kUselessPrecision = 0.6;
constexpr double kFullPrecision = 0.8;
constexpr double kExploration = 0.2;
constexpr double kHigherExploration = kExploration / 3;

// Rank of each value among all, twice as large so that mid-ranks of ties stay integers: lowest and highest place added.
std::vector<double> DoubledRanks(const std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::ranges::sort(sorted);
  std::vector<double> ranks;
  ranks.reserve(values.size());
  for (const double value : values) {
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), value);
    ranks.push_back(static_cast<double>((first - sorted.begin()) + (last - sorted.begin()) - 1));
  }
  return ranks;
}

}  // namespace

double RankCorrelation(const std::map<TrialNumber, RungPair>& pairs) {
  std::vector<double> lower;
  std::vector<double> upper;
  for (const auto& [trial, pair] : pairs) {
    lower.push_back(pair.first);
    upper.push_back(pair.second);
  }
  const std::vector<double> x = DoubledRanks(lower);
  const std::vector<double> y = DoubledRanks(upper);
  const double mean = static_cast<double>(pairs.size()) - 1;  // of doubled ranks 0 ... n - 1
  double covariance = 0;
  double variance_x = 0;
  double variance_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    covariance += (x[i] - mean) * (y[i] - mean);
    variance_x += (x[i] - mean) * (x[i] - mean);
    variance_y += (y[i] - mean) * (y[i] - mean);
  }
  const double spread = variance_x * variance_y;
  return spread > 0 ? covariance / std::sqrt(spread) : 0;
}

double RungPrecision(const Rung& rung) {
  const auto pairs = static_cast<double>(rung.unselected().size());
  if (pairs < 3) return kPriorPrecision;
  return (pairs * RankCorrelation(rung.unselected()) + kPriorPairs * kPriorPrecision) / (pairs + kPriorPairs);
}

double RungTrust(const Rung& rung) {
  return std::clamp((RungPrecision(rung) - kUselessPrecision) / (kFullPrecision - kUselessPrecision), 0.0, 1.0);
}

int64_t ChooseFirstRung(const Ladder& ladder, int64_t number, int64_t brackets, uint64_t seed, TrialNumber trial) {
  Random random({seed, static_cast<uint64_t>(trial), HashString("bracket")});
  const int64_t highest = brackets - 1;
  int64_t k = 0;
  for (; k < highest; ++k) {
    if (random.Uniform() < RungTrust(ladder.rung(number, k))) break;
  }
  if (k == highest) return k;
  const auto passing = static_cast<double>(ladder.rung(number, k).passing());
  const double explore = k == 0 ? kExploration : kHigherExploration;
  return random.Uniform() < explore * std::sqrt(kPriorPairs / (kPriorPairs + passing)) ? k + 1 : k;
}

}  // namespace athanor
