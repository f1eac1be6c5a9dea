#include "server/search/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::ElementsAre;
using testing::EveryConfiguration;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Print;
using testing::RandomFiniteParameters;
using testing::Space;
using testing::Stepped;
using testing::Text;
using testing::When;

SearchSpace Fashion() {
  return Space({Float("learning_rate", 1e-4, 1, Scale::kLog),
                Choice("batch_size", {Number(32), Number(64), Number(128), Number(256)}),
                Stepped(Int("channels", 8, 64), 8), Choice("optimizer", {Text("sgd"), Text("adam")}),
                When(Float("momentum", 0, 0.99), "optimizer", {Text("sgd")}),
                Int("hidden_units", 16, 1024, Scale::kLog)});
}

// Computed by an independent implementation in another language. Seeds are stored: these must never change.
TEST(RandomSearchTest, KeepsItsGoldenSuggestions) {
  const SearchSpace space = Fashion();
  const RandomSearch search(space, 42);
  struct Case {
    int64_t index;
    double learning_rate;
    int64_t batch_size, channels;
    std::string optimizer;
    double momentum;
    int64_t hidden_units;
  };
  const Case cases[] = {{0, 0.001265319299576729, 32, 64, "adam", 0, 21},
                        {1, 0.771129795464574, 64, 16, "adam", 0, 234},
                        {2, 0.12971557603572836, 128, 64, "sgd", 0.7739220488642229, 252},
                        {1'000'000, 0.2541316688822269, 64, 48, "sgd", 0.16755324287975998, 110}};
  for (const Case& expected : cases) {
    const Configuration suggested = search.Suggest({}, expected.index, {});
    EXPECT_DOUBLE_EQ(std::get<double>(*suggested[0]), expected.learning_rate);
    EXPECT_EQ(suggested[1], Number(expected.batch_size));
    EXPECT_EQ(suggested[2], Number(expected.channels));
    EXPECT_EQ(suggested[3], Text(expected.optimizer));
    ASSERT_EQ(suggested[4].has_value(), expected.optimizer == "sgd");
    if (suggested[4]) {
      EXPECT_DOUBLE_EQ(std::get<double>(*suggested[4]), expected.momentum);
    }
    EXPECT_EQ(suggested[5], Number(expected.hidden_units));
  }
}

TEST(RandomSearchTest, KeepsItsGoldenPermutations) {
  const SearchSpace space = Space({Int("n", 0, 5)});
  const RandomSearch search(space, 42);
  std::vector<int64_t> order;
  for (int64_t i = 0; i < 12; ++i) order.push_back(std::get<int64_t>(*search.Suggest({}, i, {})[0]));
  EXPECT_THAT(order, ElementsAre(4, 0, 2, 1, 5, 3, /*second pass*/ 3, 5, 2, 0, 1, 4));
}

TEST(RandomSearchTest, CoversAFiniteSpaceOncePerPass) {
  Random random(8);
  for (int round = 0; round < 500; ++round) {
    const SearchSpace space = Space(RandomFiniteParameters(random));
    const RandomSearch search(space, static_cast<uint64_t>(round));
    const std::vector<Configuration> all = EveryConfiguration(space);
    const auto count = static_cast<int64_t>(all.size());
    for (int64_t pass = 0; pass < 3; ++pass) {
      std::set<Configuration> seen;
      for (int64_t i = 0; i < count; ++i) seen.insert(search.Suggest({}, pass * count + i, {}));
      ASSERT_EQ(seen, std::set<Configuration>(all.begin(), all.end())) << "round " << round << ", pass " << pass;
    }
  }
}

TEST(RandomSearchTest, SuggestsOnlyValidConfigurationsWhateverIsFixed) {
  Random random(5);
  for (int round = 0; round < 4'000; ++round) {
    std::vector<Parameter> parameters = RandomFiniteParameters(random);
    if (round % 2 == 0) parameters.push_back(Float("rate", 1e-6, 3e-2, Scale::kLog));  // infinite
    const SearchSpace space = Space(parameters);
    const RandomSearch search(space, random.Next());
    // What is fixed comes from a valid configuration, so that a completion exists.
    const Configuration whole = search.Suggest({}, 1'000 + round, {});
    ASSERT_EQ(space.Check(whole), absl::OkStatus());
    Configuration fixed = whole;
    for (auto& value : fixed) {
      if (random.Below(2) == 0) value.reset();
    }
    const Configuration completed = search.Suggest({}, round, fixed);
    ASSERT_EQ(space.Check(completed), absl::OkStatus()) << Print(space, fixed) << " became " << Print(space, completed);
    for (size_t i = 0; i < space.size(); ++i) {
      if (fixed[i]) {
        ASSERT_EQ(completed[i], fixed[i]);
      }
    }
    ASSERT_EQ(search.Suggest({}, round, fixed), completed);
    ASSERT_EQ(search.Suggest({}, round, Configuration(space.size())), search.Suggest({}, round, {}));
  }
}

TEST(RandomSearchTest, KeepsEveryOtherValueWhenOneIsFixed) {
  const SearchSpace space = Fashion();
  const RandomSearch search(space, 3);
  for (int64_t index = 0; index < 200; ++index) {
    const Configuration free = search.Suggest({}, index, {});
    Configuration fixed(space.size());
    fixed[1] = Number(64);
    Configuration expected = free;
    expected[1] = Number(64);
    ASSERT_EQ(search.Suggest({}, index, fixed), expected);
  }
}

TEST(RandomSearchTest, ChoosesTheParentThatAFixedChildNeeds) {
  const SearchSpace space = Fashion();
  const RandomSearch search(space, 3);
  Configuration fixed(space.size());
  fixed[4] = 0.5;
  for (int64_t index = 0; index < 100; ++index) EXPECT_EQ(search.Suggest({}, index, fixed)[3], Text("sgd"));
}

TEST(RandomSearchTest, ShiftsNothingWhenAParameterIsAdded) {
  const SearchSpace small = Space({Float("a", 0, 1), Float("c", 0, 1)});
  const SearchSpace large = Space({Float("a", 0, 1), Float("b", 0, 1), Float("c", 0, 1)});
  for (int64_t index = 0; index < 50; ++index) {
    const Configuration before = RandomSearch(small, 1).Suggest({}, index, {});
    const Configuration after = RandomSearch(large, 1).Suggest({}, index, {});
    EXPECT_EQ(before[0], after[0]);
    EXPECT_EQ(before[1], after[2]);
  }
}

TEST(RandomSearchTest, GivesOtherConfigurationsForAnotherSeed) {
  const SearchSpace space = Fashion();
  int same = 0;
  for (int64_t index = 0; index < 100; ++index) {
    same += RandomSearch(space, 1).Suggest({}, index, {}) == RandomSearch(space, 2).Suggest({}, index, {});
  }
  EXPECT_EQ(same, 0);
}

TEST(RandomSearchTest, SpreadsValuesAsTheScaleSays) {
  const SearchSpace space =
      Space({Float("linear", -2, 6), Float("log", 1e-4, 1, Scale::kLog), Int("wide", 1, 7, Scale::kLog),
             Stepped(Int("stepped", 1, 9, Scale::kLog), 4), Choice("p", {Text("a"), Text("b"), Text("c"), Text("d")})});
  const RandomSearch search(space, 17);
  constexpr int kDraws = 40'000;
  std::map<int64_t, double> wide, stepped;
  std::map<std::string, double> choices;
  double below_zero = 0, below_hundredth = 0;
  for (int64_t index = 0; index < kDraws; ++index) {
    const Configuration drawn = search.Suggest({}, index, {});
    below_zero += std::get<double>(*drawn[0]) < 0;
    below_hundredth += std::get<double>(*drawn[1]) < 1e-2;
    ++wide[std::get<int64_t>(*drawn[2])];
    ++stepped[std::get<int64_t>(*drawn[3])];
    ++choices[std::get<std::string>(*drawn[4])];
  }
  constexpr double kTolerance = 0.0125;  // five standard deviations at a share of one half
  EXPECT_NEAR(below_zero / kDraws, 0.25, kTolerance);
  EXPECT_NEAR(below_hundredth / kDraws, 0.5, kTolerance);
  // n has the share of [n, n + 1) in [1, 8) on a log scale.
  for (int64_t n = 1; n <= 7; ++n) {
    EXPECT_NEAR(wide[n] / kDraws, std::log2(static_cast<double>(n + 1) / static_cast<double>(n)) / 3, kTolerance) << n;
  }
  // 1, 5 and 9 have [1, 5), [5, 9) and [9, 13) of [1, 13).
  EXPECT_EQ(stepped.size(), 3u);
  EXPECT_NEAR(stepped[1] / kDraws, std::log(5.0) / std::log(13.0), kTolerance);
  EXPECT_NEAR(stepped[9] / kDraws, std::log(13.0 / 9) / std::log(13.0), kTolerance);
  for (const auto& [name, count] : choices) EXPECT_NEAR(count / kDraws, 0.25, kTolerance) << name;
}

TEST(RandomSearchTest, StaysInsideExtremeRanges) {
  const SearchSpace space =
      Space({Float("wide", 1e-300, 1e300, Scale::kLog), Float("narrow", 0.1, std::nextafter(0.1, 1), Scale::kLog),
             Float("point", 0.3, 0.3), Int("huge", -0x1p53, 0x1p53), Int("huge_log", 1, 0x1p53, Scale::kLog),
             Stepped(Float("stepped", 0, 0.3), 0.1), Stepped(Int("stepped_log", 3, 0x1p53, Scale::kLog), 7)});
  const RandomSearch search(space, 9);
  int small = 0;
  for (int64_t index = 0; index < 5'000; ++index) {
    const Configuration drawn = search.Suggest({}, index, {});
    ASSERT_EQ(space.Check(drawn), absl::OkStatus());
    small += std::get<int64_t>(*drawn[4]) < (int64_t{1} << 26);
  }
  EXPECT_NEAR(small, 5'000 * 26 / 53, 180);  // five standard deviations
}

TEST(RandomSearchTest, PermutesASpaceOfTwoToThe62) {
  const SearchSpace space = Space({Int("n", 1, 0x1p53), Int("m", 1, 512)});
  const RandomSearch search(space, 1);
  std::set<Configuration> seen;
  for (int64_t index = 0; index < 2'000; ++index) {
    const Configuration drawn = search.Suggest({}, index, {});
    ASSERT_EQ(space.Check(drawn), absl::OkStatus());
    ASSERT_TRUE(seen.insert(drawn).second);
  }
}

TEST(CreateSearchMethodTest, MakesWhatTheSpecNames) {
  const SearchSpace space = Space({Int("n", 0, 2)});
  StudySpec spec;
  spec.search.method = "grid";
  EXPECT_EQ((*CreateSearchMethod(spec, space))->name(), "grid");
  EXPECT_EQ((*CreateSearchMethod(spec, space))->Count(), 3);
  spec.search.method = "random";
  EXPECT_EQ((*CreateSearchMethod(spec, space))->name(), "random");
  EXPECT_EQ((*CreateSearchMethod(spec, space))->Count(), std::nullopt);
  spec.search.method = "annealing";
  EXPECT_EQ(CreateSearchMethod(spec, space).status().message(),
            "search.method: \"annealing\" is unknown; want auto, grid, random, sobol, tpe, gp or cmaes");
}

}  // namespace
}  // namespace athanor
