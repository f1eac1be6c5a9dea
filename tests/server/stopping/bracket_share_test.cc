#include "server/stopping/bracket_share.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

namespace athanor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::map<TrialNumber, RungPair> Pairs(const std::vector<RungPair>& pairs) {
  std::map<TrialNumber, RungPair> numbered;
  for (const RungPair& pair : pairs) numbered[static_cast<TrialNumber>(numbered.size())] = pair;
  return numbered;
}

TEST(RankCorrelationTest, IsSpearmansWithMidRanks) {
  struct Case {
    const char* name;
    std::vector<RungPair> pairs;
    double expected;
  };
  const Case cases[] = {
      {"nothing", {}, 0},
      {"one", {{1, 1}}, 0},
      {"the same order", {{1, 10}, {2, 20}, {5, 21}}, 1},
      {"reversed", {{1, 3}, {2, 2}, {3, 1}}, -1},
      // d = 1, 1, 0, 0: 1 - 6 * 2 / (4 * 15)
      {"two swapped", {{1, 2}, {2, 1}, {3, 3}, {4, 4}}, 0.8},
      {"no spread", {{1, 1}, {1, 2}, {1, 3}}, 0},
      // Ranks 0.5 0.5 2 against 0 1 2: covariance 1.5, variances 1.5 and 2.
      {"tied", {{1, 1}, {1, 2}, {2, 3}}, 1.5 / std::sqrt(1.5 * 2)},
      {"diverged ones tie at the end", {{1, 1}, {kInfinity, kInfinity}, {kInfinity, kInfinity}}, 1},
  };
  for (const Case& c : cases) EXPECT_NEAR(RankCorrelation(Pairs(c.pairs)), c.expected, 1e-12) << c.name;
}

// A ladder whose rung 0 has been passed by `pairs` trials, with the values that `second` makes of their number there.
template <typename Second>
Ladder Passed(int64_t pairs, Second second) {
  Ladder ladder;
  for (TrialNumber trial = 0; trial < pairs; ++trial) {
    ladder.Join(0, trial, 1);
    ladder.Enter({.rung = 0, .trial = trial, .value = static_cast<double>(trial)});
    ladder.Enter({.rung = 1, .trial = trial, .value = second(static_cast<double>(trial))});
  }
  return ladder;
}

TEST(RungPrecisionTest, IsShrunkToThePrior) {
  const auto same = [](double value) { return value; };
  const auto reversed = [](double value) { return -value; };
  EXPECT_DOUBLE_EQ(RungPrecision(Ladder().rung(0, 0)), 0.8);
  EXPECT_DOUBLE_EQ(RungPrecision(Passed(2, reversed).rung(0, 0)), 0.8);
  EXPECT_NEAR(RungPrecision(Passed(3, reversed).rung(0, 0)), (-3 + 2.4) / 6, 1e-12);
  EXPECT_DOUBLE_EQ(RungPrecision(Passed(9, same).rung(0, 0)), (9 + 2.4) / 12);
  EXPECT_DOUBLE_EQ(RungPrecision(Passed(500, reversed).rung(0, 0)), (-100 + 2.4) / 103);  // of the newest 100
}

TEST(RungTrustTest, IsNoneBelowSixTenthsAndFullFromEight) {
  EXPECT_EQ(RungTrust(Passed(50, [](double value) { return -value; }).rung(0, 0)), 0);
  EXPECT_EQ(RungTrust(Passed(50, [](double value) { return value; }).rung(0, 0)), 1);
  EXPECT_NEAR(RungTrust(Ladder().rung(0, 0)), 1, 1e-12);  // the prior
}

std::array<int, 3> Shares(const Ladder& ladder, int64_t brackets) {
  std::array<int, 3> count = {};
  for (TrialNumber trial = 1000; trial < 11'000; ++trial) {
    ++count[static_cast<size_t>(ChooseFirstRung(ladder, 0, brackets, 7, trial))];
  }
  return count;
}

TEST(ChooseFirstRungTest, StartsAtTheLowestRungThatRanksWell) {
  // Nothing known: precision 0.8, so rung 0 but for a fifth that explores.
  const auto at_first = Shares(Ladder(), 3);
  EXPECT_NEAR(at_first[0], 8000, 150);
  EXPECT_NEAR(at_first[1], 2000, 150);
  EXPECT_EQ(at_first[2], 0);
  // Ranks well, and 97 have passed: sqrt(3 / 100) of a fifth explores.
  const auto good = Shares(Passed(97, [](double value) { return value; }), 3);
  EXPECT_NEAR(good[0], 10'000 * (1 - 0.2 * std::sqrt(0.03)), 80);
  // Ranks worse than luck: nobody starts there. Of rung 1 nothing is known, and a third of a fifth explores above it.
  const auto bad = Shares(Passed(97, [](double value) { return -value; }), 3);
  EXPECT_EQ(bad[0], 0);
  EXPECT_NEAR(bad[1], 10'000 * (1 - 0.2 / 3), 100);
  // Two brackets: the highest takes what is left.
  EXPECT_EQ(Shares(Passed(97, [](double value) { return -value; }), 2)[1], 10'000);
}

TEST(ChooseFirstRungTest, SharesBetweenSixAndEightTenths) {
  // Ranks 0 1 2 3 ... with each half of 50 swapped for the other; the share is (rho - 0.6) / 0.2.
  Ladder ladder;
  for (TrialNumber trial = 0; trial < 100; ++trial) {
    const int64_t rank = trial % 50 < 25 ? trial + 25 : trial - 25;
    ladder.Join(0, trial, 1);
    ladder.Enter({.rung = 0, .trial = trial, .value = static_cast<double>(trial)});
    ladder.Enter({.rung = 1, .trial = trial, .value = static_cast<double>(rank)});
  }
  // d = 25 for all: spearman = 1 - 6 * 100 * 625 / (100 * 9999).
  const double spearman = 1 - 6.0 * 625 / 9999;
  const double precision = (100 * spearman + 2.4) / 103;
  ASSERT_NEAR(RungPrecision(ladder.rung(0, 0)), precision, 1e-12);
  const double share = (precision - 0.6) / 0.2;
  EXPECT_NEAR(RungTrust(ladder.rung(0, 0)), share, 1e-12);
  const double exploring = 0.2 * std::sqrt(3.0 / 103);
  EXPECT_NEAR(Shares(ladder, 2)[0], 10'000 * share * (1 - exploring), 160);
}

TEST(ChooseFirstRungTest, DependsOnSeedAndNumberOnly) {
  const Ladder ladder;
  int differ = 0;
  for (TrialNumber trial = 0; trial < 200; ++trial) {
    const int64_t first = ChooseFirstRung(ladder, 0, 2, 1, trial);
    EXPECT_EQ(ChooseFirstRung(ladder, 0, 2, 1, trial), first);
    differ += ChooseFirstRung(ladder, 0, 2, 2, trial) != first;
  }
  EXPECT_GT(differ, 20);
  for (TrialNumber trial = 0; trial < 200; ++trial) EXPECT_EQ(ChooseFirstRung(ladder, 0, 1, 1, trial), 0);
}

}  // namespace
}  // namespace athanor
