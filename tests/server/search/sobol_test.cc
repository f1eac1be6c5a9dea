#include "server/search/sobol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::ElementsAre;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::RandomFiniteParameters;
using testing::Space;
using testing::Text;
using testing::When;

// Joe and Kuo's published points, in the order of Gray codes.
TEST(SobolSequenceTest, StartsWithThePublishedPoints) {
  const auto sequence = SobolSequence::Create(3);
  ASSERT_TRUE(sequence.ok());
  const double expected[8][3] = {{0, 0, 0},
                                 {0.5, 0.5, 0.5},
                                 {0.75, 0.25, 0.25},
                                 {0.25, 0.75, 0.75},
                                 {0.375, 0.375, 0.625},
                                 {0.875, 0.875, 0.125},
                                 {0.625, 0.125, 0.875},
                                 {0.125, 0.625, 0.375}};
  for (int64_t i = 0; i < 8; ++i) {
    for (int64_t d = 0; d < 3; ++d)
      EXPECT_EQ(sequence->At(d, i), expected[i][d]) << "point " << i << " dimension " << d;
  }
}

TEST(SobolSequenceTest, EveryIntervalHoldsOnePointPlainAndScrambled) {
  constexpr int64_t kPoints = 64;
  const auto sequence = SobolSequence::Create(40);
  ASSERT_TRUE(sequence.ok());
  for (int64_t d = 0; d < 40; ++d) {
    std::set<int64_t> plain, scrambled;
    for (int64_t i = 0; i < kPoints; ++i) {
      plain.insert(static_cast<int64_t>(sequence->At(d, i) * kPoints));
      scrambled.insert(static_cast<int64_t>(sequence->ScrambledAt(d, i, 7) * kPoints));
    }
    EXPECT_EQ(plain.size(), 64u) << d;
    EXPECT_EQ(scrambled.size(), 64u) << d;
  }
}

// The first two dimensions form a (0, m, 2)-net: every elementary rectangle of 16 holds one of 16 points, and
// scrambling keeps it so.
TEST(SobolSequenceTest, ScramblingKeepsTheNetOfTwoDimensions) {
  const auto sequence = SobolSequence::Create(2);
  ASSERT_TRUE(sequence.ok());
  for (const int64_t rows : {1, 2, 4, 8, 16}) {
    std::set<std::pair<int64_t, int64_t>> cells;
    for (int64_t i = 0; i < 16; ++i) {
      cells.insert({static_cast<int64_t>(sequence->ScrambledAt(0, i, 1) * static_cast<double>(rows)),
                    static_cast<int64_t>(sequence->ScrambledAt(1, i, 2) * static_cast<double>(16 / rows))});
    }
    EXPECT_EQ(cells.size(), 16u) << rows;
  }
}

TEST(SobolSequenceTest, RefusesMoreDimensionsThanItHasNumbersFor) {
  EXPECT_TRUE(SobolSequence::Create(3667).ok());
  EXPECT_EQ(SobolSequence::Create(3668).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(SobolSearchTest, HoldsFewSuggestionsInBalanceForEveryType) {
  const SearchSpace space = Space({Float("x", 0, 1), Int("layers", 1, 3),
                                   Choice("optimizer", {Text("sgd"), Text("adam"), Text("lamb"), Text("rms")}),
                                   Float("rate", 1e-4, 1, Scale::kLog)});
  const auto search = SobolSearch::Create(space, 3);
  ASSERT_TRUE(search.ok());
  std::map<Value, int> layers, optimizers;
  std::map<int, int> decades;
  for (int64_t i = 0; i < 32; ++i) {
    const Configuration c = (*search)->Suggest({}, i, {});
    ++layers[*c[1]];
    ++optimizers[*c[2]];
    ++decades[static_cast<int>(std::floor(std::log10(std::get<double>(*c[3]))))];
  }
  for (const auto& [value, n] : layers) EXPECT_TRUE(n == 10 || n == 11) << ToString(value) << " " << n;
  for (const auto& [value, n] : optimizers) EXPECT_EQ(n, 8) << ToString(value);
  for (const auto& [decade, n] : decades) EXPECT_EQ(n, 8) << decade;
}

TEST(SobolSearchTest, AFiniteSpaceIsUsedUpBeforeAnythingComesTwice) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random({seed, 5});
    const SearchSpace space = Space(RandomFiniteParameters(random));
    const int64_t count = std::min<int64_t>(*space.CountConfigurations(SearchSpace::Points::kIgnore), 200);
    const auto search = SobolSearch::Create(space, seed);
    ASSERT_TRUE(search.ok());
    std::set<Configuration> seen;
    for (int64_t i = 0; i < count; ++i) {
      const Configuration c = (*search)->Suggest({}, i, {});
      ASSERT_TRUE(space.Check(c).ok());
      EXPECT_TRUE(seen.insert(c).second) << "seed " << seed << " index " << i;
    }
  }
}

TEST(SobolSearchTest, AnIndexHasItsSuggestionInWhateverOrderTheyAreAskedFor) {
  const SearchSpace space = Space({Int("a", 1, 5), Choice("b", {Number(1), Number(2), Number(3)})});
  const auto forwards = SobolSearch::Create(space, 9), backwards = SobolSearch::Create(space, 9);
  std::vector<Configuration> suggested;
  for (int64_t i = 0; i < 40; ++i) suggested.push_back((*forwards)->Suggest({}, i, {}));
  for (int64_t i = 39; i >= 0; --i) EXPECT_EQ((*backwards)->Suggest({}, i, {}), suggested[static_cast<size_t>(i)]) << i;
  EXPECT_NE((*SobolSearch::Create(space, 10))->Suggest({}, 0, {}), suggested[0]);
}

TEST(SobolSearchTest, GivenValuesStandAndTheRestKeepsItsDimension) {
  const SearchSpace space = Space({Choice("optimizer", {Text("sgd"), Text("adam")}),
                                   When(Float("momentum", 0, 1), "optimizer", {Text("sgd")}), Float("rate", 0, 1)});
  const auto search = SobolSearch::Create(space, 1);
  for (int64_t i = 0; i < 16; ++i) {
    const Configuration own = (*search)->Suggest({}, i, {});
    const Configuration given = (*search)->Suggest({}, i, {std::nullopt, std::nullopt, 0.25});
    EXPECT_EQ(given[0], own[0]);
    EXPECT_EQ(given[1], own[1]);
    EXPECT_EQ(given[2], Value(0.25));
    const Configuration sgd = (*search)->Suggest({}, i, {std::nullopt, 0.5, std::nullopt});
    EXPECT_EQ(sgd[0], Text("sgd"));
    EXPECT_EQ(sgd[2], own[2]);
  }
}

}  // namespace
}  // namespace athanor
