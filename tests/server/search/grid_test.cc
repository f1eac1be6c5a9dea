#include "server/search/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::ElementsAre;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Pointed;
using testing::Print;
using testing::RandomFiniteParameters;
using testing::Space;
using testing::Stepped;
using testing::Text;
using testing::When;

std::vector<std::string> Points(const SearchSpace& space) {
  const auto grid = GridSearch::Create(space).value();
  std::vector<std::string> points;
  for (int64_t i = 0; i < *grid->Count(); ++i) points.push_back(Print(space, grid->Suggest({}, i, {})));
  return points;
}

TEST(GridSearchTest, TurnsTheLastParameterFastest) {
  const SearchSpace space = Space({Choice("p", {Text("b"), Text("a")}), Stepped(Int("n", 2, 6), 2)});
  EXPECT_THAT(Points(space), ElementsAre("p=b n=2", "p=b n=4", "p=b n=6", "p=a n=2", "p=a n=4", "p=a n=6"));
}

TEST(GridSearchTest, SumsOverBranches) {
  const SearchSpace space = Space({Choice("optimizer", {Text("sgd"), Text("adam")}),
                                   When(Stepped(Float("momentum", 0, 0.5), 0.5), "optimizer", {Text("sgd")}),
                                   Pointed(Float("rate", 0.25, 1, Scale::kLog), 2)});
  EXPECT_THAT(Points(space), ElementsAre("optimizer=sgd momentum=0.0 rate=0.25", "optimizer=sgd momentum=0.0 rate=1.0",
                                         "optimizer=sgd momentum=0.5 rate=0.25", "optimizer=sgd momentum=0.5 rate=1.0",
                                         "optimizer=adam momentum=- rate=0.25", "optimizer=adam momentum=- rate=1.0"));
}

TEST(GridSearchTest, RefusesWhatHasNoPoints) {
  EXPECT_EQ(GridSearch::Create(Space({Int("n", 0, 1), Float("x", 0, 1)})).status().message(),
            "parameters.x: is continuous; want points or step under a grid");
  EXPECT_EQ(GridSearch::Create(Space({Int("n", 0, 0x1p53), Int("m", 0, 0x1p53)})).status().message(),
            "search.method: grid has more than 2^62 points; want a smaller space or random");
}

TEST(GridSearchTest, HasDistinctValidPointsInRandomSpaces) {
  Random random(11);
  for (int round = 0; round < 1'000; ++round) {
    const SearchSpace space = Space(RandomFiniteParameters(random));
    const auto grid = GridSearch::Create(space).value();
    std::set<Configuration> seen;
    for (int64_t i = 0; i < *grid->Count(); ++i) {
      const Configuration point = grid->Suggest({}, i, {});
      ASSERT_EQ(space.Check(point), absl::OkStatus());
      ASSERT_TRUE(seen.insert(point).second) << Print(space, point);
    }
  }
}

TEST(GridSearchTest, CompletesAnEnqueuedConfigurationFromItsPoint) {
  const SearchSpace space =
      Space({Choice("optimizer", {Text("sgd"), Text("adam")}),
             When(Choice("momentum", {Number(1), Number(2)}), "optimizer", {Text("sgd")}), Int("n", 7, 8)});
  const auto grid = GridSearch::Create(space).value();
  // Points: sgd 1 7, sgd 1 8, sgd 2 7, sgd 2 8, adam - 7, adam - 8.
  const auto suggest = [&](int64_t index, const Configuration& fixed) {
    return Print(space, grid->Suggest({}, index, fixed));
  };
  const Value adam = Text("adam"), sgd = Text("sgd");
  EXPECT_EQ(suggest(3, {adam, std::nullopt, std::nullopt}), "optimizer=adam momentum=- n=8");  // momentum falls away
  EXPECT_EQ(suggest(5, {sgd, std::nullopt, std::nullopt}), "optimizer=sgd momentum=1 n=8");    // momentum's first value
  EXPECT_EQ(suggest(5, {std::nullopt, Number(2), std::nullopt}), "optimizer=sgd momentum=2 n=8");  // momentum needs sgd
  EXPECT_EQ(suggest(3, {std::nullopt, std::nullopt, Number(7)}), "optimizer=sgd momentum=2 n=7");
}

}  // namespace
}  // namespace athanor
