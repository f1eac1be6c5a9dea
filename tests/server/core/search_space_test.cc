#include "server/core/search_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::ElementsAre;
using testing::EveryConfiguration;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Pointed;
using testing::Print;
using testing::RandomFiniteParameters;
using testing::Space;
using ::testing::StartsWith;
using testing::Stepped;
using testing::Text;
using testing::When;

constexpr auto kUse = SearchSpace::Points::kUse;
constexpr auto kIgnore = SearchSpace::Points::kIgnore;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string RefusalOf(std::vector<Parameter> parameters) {
  const auto space = SearchSpace::Create(std::move(parameters));
  EXPECT_EQ(space.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(space.status().message());
}

TEST(SearchSpaceTest, RefusesWhatIsWrongWithTheKeyPathAndWhatIsWanted) {
  const Parameter ab = Choice("p", {Text("a"), Text("b")});
  Parameter log_choice = ab, pointed_choice = ab, stepped_choice = ab, ranged_choice = ab;
  log_choice.scale = Scale::kLog;
  pointed_choice.points = 3;
  stepped_choice.step = 1;
  ranged_choice.max = 1;
  Parameter valued = Float("x", 0, 1);
  valued.values = {Number(1)};
  const std::pair<std::vector<Parameter>, std::string> cases[] = {
      {{Float("", 0, 1)}, "parameters: \"\" is an empty name; want a name"},
      {{Float("x", 0, 1), Int("x", 0, 1)}, "parameters.x: declared twice; want different names"},
      {{Float("x", 2, 1)}, "parameters.x.min: 2.0 is above max 1.0; want min <= max"},
      {{Int("n", 9, 8)}, "parameters.n.min: 9 is above max 8; want min <= max"},
      {{Float("x", 0, kInfinity)}, "parameters.x.max: inf is not finite; want a finite number"},
      {{Float("x", std::nan(""), 1)}, "parameters.x.min: nan is not finite; want a finite number"},
      {{Float("x", -1e308, 1e308)},
       "parameters.x.max: 1e+308 is too far from min; want a range that a double can hold"},
      {{Float("x", 0, 1, Scale::kLog)}, "parameters.x.min: 0.0 is not positive; want min > 0 on a log scale"},
      {{Int("n", -3, 1, Scale::kLog)}, "parameters.n.min: -3 is not positive; want min > 0 on a log scale"},
      {{Int("n", 0.5, 1)}, "parameters.n.min: 0.5 is not an int; want an int in [-2^53, 2^53]"},
      {{Int("n", 0, 1e17)}, "parameters.n.max: 1e+17 is not an int; want an int in [-2^53, 2^53]"},
      {{Stepped(Float("x", 0, 1), 0)}, "parameters.x.step: 0.0 is not positive; want a finite step > 0"},
      {{Stepped(Float("x", 0, 1), -0.1)}, "parameters.x.step: -0.1 is not positive; want a finite step > 0"},
      {{Stepped(Float("x", 0, 1), kInfinity)}, "parameters.x.step: inf is not positive; want a finite step > 0"},
      {{Stepped(Float("x", 0, 1), 1e-17)}, "parameters.x.step: 1e-17 is too fine for the range; want a larger step"},
      {{Stepped(Int("n", 0, 4), 1.5)}, "parameters.n.step: 1.5 is not an int; want an int in [1, 2^53]"},
      {{Pointed(Float("x", 0, 1), 0)}, "parameters.x.points: 0 is not positive; want an int >= 1"},
      {{Pointed(Int("n", 0, 4), 2)}, "parameters.n.points: 2 is given for an int; want step"},
      {{Pointed(Stepped(Float("x", 0, 1), 0.5), 3)}, "parameters.x.points: 3 is given beside step; want one of them"},
      {{Pointed(Float("x", 1, 1 + 1e-15), 100)},
       "parameters.x.points: 100 is too many for the range; want fewer points"},
      {{Pointed(Float("x", 1, 1 + 1e-15, Scale::kLog), 100)},
       "parameters.x.points: 100 is too many for the range; want fewer points"},
      {{valued}, "parameters.x.values: given; a number wants min and max"},
      {{Choice("p", {})}, "parameters.p.values: is empty; want at least one value"},
      {{Choice("p", {Number(1), Text("1"), Number(1)})},
       "parameters.p.values[2]: 1 is there twice; want different values"},
      {{Choice("p", {Value(std::nan(""))})}, "parameters.p.values[0]: nan is not finite; want finite values"},
      {{log_choice}, "parameters.p.scale: given; a categorical wants values only"},
      {{pointed_choice}, "parameters.p.points: given; a categorical wants values only"},
      {{stepped_choice}, "parameters.p.step: given; a categorical wants values only"},
      {{ranged_choice}, "parameters.p: min and max given; a categorical wants values only"},
      {{ab, When(Int("n", 0, 1), "q", {Text("a")})}, "parameters.n.when: \"q\" is unknown; want another parameter"},
      {{ab, When(Int("n", 0, 1), "p", {Text("c")})},
       "parameters.n.when.p[0]: c (string) is not a value of p; want one of a, b"},
      {{ab, When(Int("n", 0, 1), "p", {})}, "parameters.n.when.p: no values; want at least one"},
      {{ab, When(Int("n", 0, 1), "p", {Text("a"), Text("a")})},
       "parameters.n.when.p[1]: a is there twice; want different values"},
      {{ab, When(When(Int("n", 0, 1), "p", {Text("a")}), "p", {Text("b")})},
       "parameters.n.when.p: named twice; want each parent once"},
      {{Int("m", 0, 8), When(Int("n", 0, 1), "m", {Number(9)})},
       "parameters.n.when.m[0]: 9 (int) is not a value of m; want int in [0, 8]"},
      {{Stepped(Int("m", 0, 8), 4), When(Int("n", 0, 1), "m", {Number(2)})},
       "parameters.n.when.m[0]: 2 (int) is not a value of m; want int in [0, 8] by 4"},
      {{Int("m", 0, 8), When(Int("n", 0, 1), "m", {Text("1")})},
       "parameters.n.when.m[0]: 1 (string) is not a value of m; want int in [0, 8]"},
      {{Float("x", 0, 1), When(Int("n", 0, 1), "x", {Value(0.5)})},
       "parameters.n.when.x: is a float; want a categorical or int parameter"},
      {{When(Int("n", 0, 1), "n", {Number(1)})},
       "parameters.n.when: makes the cycle n -> n; want parents that do not depend on it"},
      {{Int("z", 0, 1), When(Int("a", 0, 1), "c", {Number(1)}), When(Int("b", 0, 1), "a", {Number(1)}),
        When(Int("c", 0, 1), "b", {Number(1)})},
       "parameters.a.when: makes the cycle a -> b -> c -> a; want parents that do not depend on it"},
  };
  for (const auto& [parameters, message] : cases) EXPECT_EQ(RefusalOf(parameters), message);
}

TEST(SearchSpaceTest, RefusesConditionsThatInterlockTooMuchToBeCounted) {
  std::vector<Parameter> parameters;
  Parameter child = Int("child", 0, 1);
  for (int i = 0; i < 20; ++i) {
    parameters.push_back(Int("parent" + std::to_string(i), 0, 1));
    child = When(child, parameters.back().name, {Number(1)});
  }
  Parameter other = child;
  other.name = "other";
  for (Condition& condition : other.when) condition.values = {Number(0)};
  parameters.push_back(child);
  parameters.push_back(other);
  EXPECT_THAT(RefusalOf(parameters), StartsWith("parameters: the conditions interlock in more than 262144 ways"));
}

TEST(SearchSpaceTest, PutsParentsFirstAndOtherwiseKeepsTheDeclaredOrder) {
  const SearchSpace space = Space({When(Int("a", 0, 1), "d", {Number(1)}), Int("b", 0, 1),
                                   When(Int("c", 0, 1), "b", {Number(0)}), Int("d", 0, 1), Int("e", 0, 1)});
  EXPECT_THAT(space.topological_order(), ElementsAre(1, 2, 3, 0, 4));
  EXPECT_EQ(space.IndexOf("d"), 3u);
  EXPECT_EQ(space.IndexOf("f"), std::nullopt);
}

TEST(SearchSpaceTest, GivesEachParameterItsValues) {
  struct Case {
    Parameter parameter;
    std::vector<Value> values;
  };
  const Case cases[] = {
      {Int("n", -1, 2), {Number(-1), Number(0), Number(1), Number(2)}},
      {Stepped(Int("n", 8, 64), 20), {Number(8), Number(28), Number(48)}},  // 68 is above max
      {Stepped(Int("n", 1, 9, Scale::kLog), 4), {Number(1), Number(5), Number(9)}},
      {Choice("p", {Number(1), Text("1"), Value(1.0), Value(true)}), {Number(1), Text("1"), Value(1.0), Value(true)}},
      {Stepped(Float("x", 0, 1), 0.5), {0.0, 0.5, 1.0}},
      {Stepped(Float("x", 0, 0.9), 0.5), {0.0, 0.5}},
      {Stepped(Float("x", 0, 0.3), 0.1), {0.0, 0.1, 0.2, 0.3}},  // 3 * 0.1 > 0.3 in doubles
      {Stepped(Float("x", 2, 2.5), 1), {2.0}},
      {Pointed(Float("x", 0, 1), 5), {0.0, 0.25, 0.5, 0.75, 1.0}},
      {Pointed(Float("x", 1e-4, 1, Scale::kLog), 5), {1e-4, 1e-3, 1e-2, 0.1, 1.0}},
      {Pointed(Float("x", 3, 4), 1), {3.0}},
      {Pointed(Float("x", 3, 3), 7), {3.0}},  // distinct values only
  };
  for (const Case& expected : cases) {
    const SearchSpace space = Space({expected.parameter});
    ASSERT_EQ(space.CountValues(0, kUse), static_cast<int64_t>(expected.values.size()));
    for (size_t k = 0; k < expected.values.size(); ++k) {
      EXPECT_EQ(ToString(space.ValueAt(0, static_cast<int64_t>(k), kUse)), ToString(expected.values[k]));
    }
  }
}

TEST(SearchSpaceTest, HasNoCountForAContinuousFloat) {
  const SearchSpace space = Space({Pointed(Float("x", 0, 1), 5), Int("n", 1, 2)});
  EXPECT_EQ(space.CountValues(0, kIgnore), std::nullopt);
  EXPECT_EQ(space.CountConfigurations(kIgnore), std::nullopt);
  EXPECT_EQ(space.CountConfigurations(kUse), 10);
  EXPECT_EQ(Space({Float("x", 0, 1)}).CountConfigurations(kUse), std::nullopt);
}

TEST(SearchSpaceTest, CountsHugeRangesExactly) {
  constexpr double kLargest = 0x1p53;
  EXPECT_EQ(Space({Int("n", -kLargest, kLargest)}).CountConfigurations(kUse), (int64_t{1} << 54) + 1);
  EXPECT_EQ(Space({Int("n", 1, kLargest), Int("m", 1, 512)}).CountConfigurations(kUse), int64_t{1} << 62);
  EXPECT_EQ(Space({Int("n", 1, kLargest), Int("m", 1, 513)}).CountConfigurations(kUse), std::nullopt);
  EXPECT_EQ(Space({Int("n", 1, kLargest), Int("m", 1, kLargest), Int("l", 1, kLargest)}).CountConfigurations(kUse),
            std::nullopt);
  const SearchSpace space = Space({Int("n", -kLargest, kLargest), Choice("p", {Text("a"), Text("b")})});
  EXPECT_EQ(Print(space, space.ConfigurationAt(0, kUse)), "n=-9007199254740992 p=a");
  EXPECT_EQ(Print(space, space.ConfigurationAt((int64_t{1} << 55) + 1, kUse)), "n=9007199254740992 p=b");
}

TEST(SearchSpaceTest, CountsASumOverBranchesOfAHugeParent) {
  // Only n = 5 of 2^53 values has m.
  const SearchSpace space = Space({Int("n", 1, 0x1p53), When(Int("m", 1, 10), "n", {Number(5)})});
  EXPECT_EQ(space.CountConfigurations(kUse), (int64_t{1} << 53) + 9);
  EXPECT_EQ(Print(space, space.ConfigurationAt(3, kUse)), "n=4 m=-");
  EXPECT_EQ(Print(space, space.ConfigurationAt(4, kUse)), "n=5 m=1");
  EXPECT_EQ(Print(space, space.ConfigurationAt(13, kUse)), "n=5 m=10");
  EXPECT_EQ(Print(space, space.ConfigurationAt(14, kUse)), "n=6 m=-");
}

TEST(SearchSpaceTest, CountsChildrenDeclaredBeforeTheirParents) {
  const SearchSpace space = Space({When(Choice("momentum", {Number(0), Number(9)}), "optimizer", {Text("sgd")}),
                                   Choice("optimizer", {Text("adam"), Text("sgd")})});
  ASSERT_EQ(space.CountConfigurations(kUse), 3);
  EXPECT_EQ(Print(space, space.ConfigurationAt(0, kUse)), "momentum=- optimizer=adam");
  EXPECT_EQ(Print(space, space.ConfigurationAt(1, kUse)), "momentum=0 optimizer=sgd");
  EXPECT_EQ(Print(space, space.ConfigurationAt(2, kUse)), "momentum=9 optimizer=sgd");
}

TEST(SearchSpaceTest, HasOneEmptyConfigurationWithoutParameters) {
  const SearchSpace space = Space({});
  EXPECT_EQ(space.CountConfigurations(kUse), 1);
  EXPECT_TRUE(space.ConfigurationAt(0, kUse).empty());
  EXPECT_TRUE(space.Check({}).ok());
}

TEST(SearchSpaceTest, NumbersEveryConfigurationOfRandomSpacesAsBruteForceDoes) {
  Random random(20240501);
  int conditional = 0;
  for (int round = 0; round < 3'000; ++round) {
    const SearchSpace space = Space(RandomFiniteParameters(random));
    const std::vector<Configuration> all = EveryConfiguration(space);
    ASSERT_EQ(space.CountConfigurations(kUse), static_cast<int64_t>(all.size())) << "round " << round;
    for (size_t rank = 0; rank < all.size(); ++rank) {
      const Configuration configuration = space.ConfigurationAt(static_cast<int64_t>(rank), kUse);
      ASSERT_EQ(Print(space, configuration), Print(space, all[rank])) << "round " << round << ", rank " << rank;
      ASSERT_TRUE(space.Check(configuration).ok());
    }
    for (const Parameter& parameter : space.parameters()) conditional += parameter.when.size() == 2;
  }
  EXPECT_GT(conditional, 1'000);  // the generator does make children of two parents
}

TEST(SearchSpaceTest, DeactivatesTheChildrenOfAnInactiveParent) {
  const SearchSpace space =
      Space({Choice("a", {Number(0), Number(1)}), When(Choice("b", {Number(0), Number(1)}), "a", {Number(1)}),
             When(Choice("c", {Number(0), Number(1)}), "b", {Number(1)})});
  EXPECT_TRUE(space.IsActive(2, {Number(1), Number(1), std::nullopt}));
  EXPECT_FALSE(space.IsActive(2, {Number(1), Number(0), std::nullopt}));
  EXPECT_FALSE(space.IsActive(2, {Number(0), std::nullopt, std::nullopt}));
}

TEST(SearchSpaceTest, ChecksConfigurations) {
  const SearchSpace space = Space({Choice("optimizer", {Text("sgd"), Text("adam")}),
                                   When(Float("momentum", 0, 0.99), "optimizer", {Text("sgd")}),
                                   Stepped(Int("channels", 8, 64), 8), Stepped(Float("dropout", 0, 0.3), 0.1)});
  const Value sgd = Text("sgd"), adam = Text("adam");
  const std::pair<Configuration, std::string> cases[] = {
      {{sgd, 0.5, Number(8), 0.3}, ""},
      {{sgd, 0.5, Number(64), 0.1 + 0.2},
       "parameters.dropout: 0.30000000000000004 (float) is not one of its values; want float in [0.0, 0.3] by 0.1"},
      {{adam, std::nullopt, Number(16), 0.2 + 1e-12}, ""},
      {{adam, std::nullopt, Number(16), 0.25},
       "parameters.dropout: 0.25 (float) is not one of its values; want float in [0.0, 0.3] by 0.1"},
      {{adam, 0.5, Number(16), 0.0}, "parameters.momentum: 0.5 is given where it is inactive; want optimizer in [sgd]"},
      {{sgd, std::nullopt, Number(16), 0.0}, "parameters.momentum: has no value; want float in [0.0, 0.99]"},
      {{sgd, 1.0, Number(16), 0.0},
       "parameters.momentum: 1.0 (float) is not one of its values; want float in [0.0, 0.99]"},
      {{sgd, std::nan(""), Number(16), 0.0},
       "parameters.momentum: nan (float) is not one of its values; want float in [0.0, 0.99]"},
      {{sgd, Number(0), Number(16), 0.0},
       "parameters.momentum: 0 (int) is not one of its values; want float in [0.0, 0.99]"},
      {{sgd, 0.5, Number(9), 0.0}, "parameters.channels: 9 (int) is not one of its values; want int in [8, 64] by 8"},
      {{sgd, 0.5, 16.0, 0.0}, "parameters.channels: 16.0 (float) is not one of its values; want int in [8, 64] by 8"},
      {{Text("rmsprop"), std::nullopt, Number(16), 0.0},
       "parameters.optimizer: rmsprop (string) is not one of its values; want one of sgd, adam"},
      {{sgd}, "parameters: 1 values given; want one for each of 4 parameters"},
  };
  for (const auto& [configuration, message] : cases)
    EXPECT_EQ(std::string(space.Check(configuration).message()), message);
}

TEST(SearchSpaceTest, TellsWhatAPartialConfigurationLeavesAllowed) {
  const std::vector<Value> abc = {Text("a"), Text("b"), Text("c")};
  const SearchSpace space =
      Space({When(Int("x", 1, 9), "p", {Text("a"), Text("b")}), When(Int("y", 1, 9), "p", {Text("b"), Text("c")}),
             When(Choice("p", abc), "q", {Number(2)}), Int("q", 1, 3)});
  const Configuration nothing(4);
  Configuration x = nothing, both = nothing, contradiction = nothing, off = nothing;
  x[0] = Number(4);
  both[0] = both[1] = Number(4);
  contradiction[0] = Number(4);
  contradiction[2] = Text("c");
  off[1] = Number(10);

  EXPECT_THAT(*space.AllowedValues(nothing), ElementsAre(ElementsAre(), ElementsAre(), ElementsAre(), ElementsAre()));
  EXPECT_THAT(*space.AllowedValues(x),
              ElementsAre(ElementsAre(), ElementsAre(), ElementsAre(Text("a"), Text("b")), ElementsAre(Number(2))));
  EXPECT_THAT(*space.AllowedValues(both),
              ElementsAre(ElementsAre(), ElementsAre(), ElementsAre(Text("b")), ElementsAre(Number(2))));
  EXPECT_EQ(space.AllowedValues(contradiction).status().message(),
            "parameters.x: is given or needed, but inactive while p is c; want p in [a, b]");
  EXPECT_EQ(space.AllowedValues(off).status().message(),
            "parameters.y: 10 (int) is not one of its values; want int in [1, 9]");
  EXPECT_EQ(space.AllowedValues({}).status().message(),
            "parameters: 0 values given; want one or none for each of 4 parameters");
}

TEST(SearchSpaceTest, RefusesAPartialConfigurationExactlyWhereNoCompletionExists) {
  Random random(77);
  int refused = 0, accepted = 0;
  for (int round = 0; round < 2'000; ++round) {
    const SearchSpace space = Space(RandomFiniteParameters(random));
    const std::vector<Configuration> all = EveryConfiguration(space);
    Configuration partial(space.size());
    for (size_t i = 0; i < space.size(); ++i) {
      if (random.Below(2) == 0) continue;
      const auto values = static_cast<uint64_t>(*space.CountValues(i, kUse));
      partial[i] = space.ValueAt(i, static_cast<int64_t>(random.Below(values)), kUse);
    }
    bool exists = false;
    for (const Configuration& whole : all) {
      bool extends = true;
      for (size_t i = 0; i < space.size(); ++i) extends = extends && (!partial[i] || partial[i] == whole[i]);
      exists = exists || extends;
    }
    ASSERT_EQ(space.AllowedValues(partial).ok(), exists) << "round " << round;
    ++(exists ? accepted : refused);
  }
  EXPECT_GT(refused, 200);
  EXPECT_GT(accepted, 200);
}

TEST(AtFractionTest, NeverLeavesTheRange) {
  const Parameter cases[] = {Float("x", 0.1, 0.3),
                             Float("x", 1e-300, 1e300, Scale::kLog),
                             Float("x", 5e-324, 1e-320, Scale::kLog),
                             Float("x", 0.1, std::nextafter(0.1, 1), Scale::kLog),
                             Float("x", 1e-4, 1, Scale::kLog),
                             Float("x", -1e308, 7e307)};
  Random random(4);
  for (const Parameter& parameter : cases) {
    EXPECT_EQ(AtFraction(parameter, 0), parameter.min);
    EXPECT_EQ(AtFraction(parameter, 1), parameter.max);
    for (int i = 0; i < 2'000; ++i) {
      const double fraction = i == 0 ? std::nextafter(1, 0) : random.Uniform();
      const double value = AtFraction(parameter, fraction);
      ASSERT_GE(value, parameter.min);
      ASSERT_LE(value, parameter.max);
    }
  }
  EXPECT_NEAR(AtFraction(cases[1], 0.5), 1, 1e-12);
}

}  // namespace
}  // namespace athanor
