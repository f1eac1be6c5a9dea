#include "server/search/tpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tests/server/core/spaces.h"
#include "tests/server/search/studies.h"

namespace athanor {
namespace {

using testing::Choice;
using ::testing::Each;
using testing::Float;
using testing::Int;
using testing::Number;
using testing::Space;
using testing::StudyUnderSearch;
using testing::Text;
using testing::When;

std::unique_ptr<TpeSearch> Tpe(const SearchSpace& space, uint64_t seed = 1, double random_share = 0,
                               int64_t startup_trials = 10) {
  return TpeSearch::Create(space, {.seed = seed, .startup_trials = startup_trials, .random_share = random_share})
      .value();
}

double At(const Configuration& configuration, size_t parameter) { return std::get<double>(*configuration[parameter]); }

// Suggestions of `method` for the view that fulfil `holds`, of `count` from `first` on.
int CountOf(const TpeSearch& method, const SearchView& view, int64_t first, int count, auto holds) {
  int held = 0;
  for (int64_t index = first; index < first + count; ++index) held += holds(method.Suggest(view, index, {}));
  return held;
}

// A study of one float in [0, 1] that is best near 0.8: completed trials at 0.02, 0.06, ...
StudyUnderSearch BestNearFourFifths() {
  StudyUnderSearch study;
  for (double x = 0.02; x < 1; x += 0.04) study.AddCompleted({x}, std::abs(x - 0.8));
  return study;
}
bool IsNearFourFifths(const Configuration& suggested) { return std::abs(At(suggested, 0) - 0.8) < 0.2; }

TEST(TpeSearchTest, StartsWithTheQuasiRandomSequence) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const auto sobol = SobolSearch::Create(space, 1).value();
  const auto tpe = Tpe(space);
  StudyUnderSearch study;
  for (int64_t i = 0; i < 9; ++i) {
    EXPECT_EQ(tpe->Suggest(study.View(), i, {}), sobol->Suggest({}, i, {})) << i;
    study.AddCompleted(tpe->Suggest(study.View(), i, {}), static_cast<double>(i));
  }
  // With nine results none is asked of the model yet, however far the numbers have come.
  EXPECT_EQ(tpe->Suggest(study.View(), 30, {}), sobol->Suggest({}, 30, {}));
  study.AddCompleted(sobol->Suggest({}, 9, {}), 9);
  EXPECT_NE(tpe->Suggest(study.View(), 30, {}), sobol->Suggest({}, 30, {}));
  // An early number is quasi-random whatever is known.
  EXPECT_EQ(tpe->Suggest(study.View(), 3, {}), sobol->Suggest({}, 3, {}));
}

TEST(TpeSearchTest, AsksNoModelWhileNothingIsFinite) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study;
  for (int i = 0; i < 20; ++i) study.Add({0.05 * i}, TrialState::kFailed);
  EXPECT_EQ(Tpe(space)->Suggest(study.View(), 20, {}), SobolSearch::Create(space, 1).value()->Suggest({}, 20, {}));
}

TEST(TpeSearchTest, DrawsAShareAtRandom) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const StudyUnderSearch study = BestNearFourFifths();
  const RandomSearch random(space, 1);
  const auto tpe = Tpe(space, 1, 0.2);
  int drawn = 0;
  for (int64_t index = 100; index < 1100; ++index) {
    drawn += tpe->Suggest(study.View(), index, {}) == random.Suggest({}, index, {});
  }
  EXPECT_NEAR(drawn, 200, 63);  // five standard deviations
}

TEST(TpeSearchTest, SuggestsWhereGoodTrialsAre) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const StudyUnderSearch study = BestNearFourFifths();
  EXPECT_GE(CountOf(*Tpe(space), study.View(), 100, 50, IsNearFourFifths), 45);
}

TEST(TpeSearchTest, LearnsInTheDirectionOfTheGoal) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study;
  for (double x = 0.02; x < 1; x += 0.04) study.AddCompleted({x}, -std::abs(x - 0.8));
  EXPECT_GE(CountOf(*Tpe(space), study.View(Goal::kMaximize), 100, 50, IsNearFourFifths), 45);
  EXPECT_LE(CountOf(*Tpe(space), study.View(Goal::kMinimize), 100, 50, IsNearFourFifths), 5);
}

TEST(TpeSearchTest, LearnsLogScalesInTheLogarithm) {
  const SearchSpace space = Space({Float("rate", 1e-6, 1, Scale::kLog)});
  StudyUnderSearch study;
  for (double exponent = -5.9; exponent < 0; exponent += 0.3) {
    study.AddCompleted({std::pow(10, exponent)}, std::abs(exponent + 4));
  }
  const auto near = [](const Configuration& c) { return std::abs(std::log10(At(c, 0)) + 4) < 1; };
  EXPECT_GE(CountOf(*Tpe(space), study.View(), 100, 50, near), 42);
}

TEST(TpeSearchTest, SpreadsAwayFromWhatRuns) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study = BestNearFourFifths();
  const auto close = [](const Configuration& c) { return std::abs(At(c, 0) - 0.8) < 0.05; };
  const int before = CountOf(*Tpe(space), study.View(), 100, 200, close);
  for (const TrialState state : {TrialState::kRunning, TrialState::kPaused, TrialState::kWaiting}) {
    for (int i = 0; i < 10; ++i) study.Add({0.79 + 0.001 * i}, state);
  }
  EXPECT_LT(CountOf(*Tpe(space), study.View(), 100, 200, close), before / 2);
}

// Good trials have x near y; either alone says nothing.
TEST(TpeSearchTest, LearnsWhichValuesGoTogether) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  StudyUnderSearch study;
  for (int i = 0; i < 20; ++i) {
    for (int j = 0; j < 20; ++j) {
      const double x = (i + 0.5) / 20, y = (j + 0.5) / 20;
      study.AddCompleted({x, y}, std::min(std::hypot(x - 0.2, y - 0.2), std::hypot(x - 0.8, y - 0.8)));
    }
  }
  const auto together = [](const Configuration& c) { return (At(c, 0) < 0.5) == (At(c, 1) < 0.5); };
  EXPECT_GE(CountOf(*Tpe(space), study.View(), 1000, 100, together), 90);
}

// Momentum exists with sgd only; it is learned from those trials alone, and so is beta with adam.
TEST(TpeSearchTest, LearnsEachBranchByItself) {
  const SearchSpace space = Space({Choice("optimizer", {Text("sgd"), Text("adam")}),
                                   When(Float("momentum", 0, 1), "optimizer", {Text("sgd")}),
                                   When(Float("beta", 0, 1), "optimizer", {Text("adam")})});
  StudyUnderSearch study;
  for (int i = 0; i < 50; ++i) {
    const double x = (i + 0.5) / 50;
    study.AddCompleted({Text("sgd"), x, std::nullopt}, std::abs(x - 0.1));
    study.AddCompleted({Text("adam"), std::nullopt, x}, std::abs(x - 0.9));
  }
  const auto tpe = Tpe(space);
  int sgd = 0, near = 0;
  for (int64_t index = 200; index < 300; ++index) {
    const Configuration suggested = tpe->Suggest(study.View(), index, {});
    ASSERT_TRUE(space.Check(suggested).ok());
    const bool is_sgd = suggested[0] == Text("sgd");
    sgd += is_sgd;
    near += is_sgd ? At(suggested, 1) < 0.3 : At(suggested, 2) > 0.7;
  }
  EXPECT_GE(sgd, 20);
  EXPECT_LE(sgd, 80);
  EXPECT_GE(near, 90);
}

TEST(TpeSearchTest, PrefersTheBranchThatIsBetter) {
  const SearchSpace space = Space(
      {Choice("optimizer", {Text("sgd"), Text("adam")}), When(Float("momentum", 0, 1), "optimizer", {Text("sgd")})});
  StudyUnderSearch study;
  for (int i = 0; i < 30; ++i) {
    study.AddCompleted({Text("sgd"), (i + 0.5) / 30}, 1 + i);
    study.AddCompleted({Text("adam"), std::nullopt}, 100 + i);
  }
  const auto sgd = [](const Configuration& c) { return c[0] == Text("sgd"); };
  EXPECT_GE(CountOf(*Tpe(space), study.View(), 200, 50, sgd), 48);
}

// The best of rung 0 are the worst of rung 1, which has the two parameters' 2 + 3 results.
TEST(TpeSearchTest, LearnsFromTheHighestRungWithEnoughResults) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  StudyUnderSearch study({1, 3});
  for (int i = 0; i < 40; ++i) {
    const double x = (i + 0.5) / 40;
    study.Enter(study.Add({x, 0.5}, TrialState::kPaused), 0, x);
  }
  const auto low = [](const Configuration& c) { return At(c, 0) < 0.5; };
  EXPECT_GE(CountOf(*Tpe(space), study.View(), 200, 50, low), 45);
  for (TrialNumber trial = 0; trial < 40; trial += 3) study.Enter(trial, 1, -static_cast<double>(trial));
  EXPECT_LE(CountOf(*Tpe(space), study.View(), 200, 50, low), 5);
}

TEST(TpeSearchTest, StartsFromEarlierStudies) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study;
  for (int i = 0; i < 50; ++i) study.AddPrior({(i + 0.5) / 50}, std::abs((i + 0.5) / 50 - 0.8) / 0.8);
  EXPECT_GE(CountOf(*Tpe(space), study.View(), 0, 50, IsNearFourFifths), 42);
}

TEST(TpeSearchTest, ItsOwnResultsOverruleEarlierStudies) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  StudyUnderSearch study;
  for (int i = 0; i < 1000; ++i) study.AddPrior({(i + 0.5) / 1000}, std::abs((i + 0.5) / 1000 - 0.8) / 0.8);
  for (int i = 0; i < 200; ++i) study.AddCompleted({(i + 0.5) / 200}, std::abs((i + 0.5) / 200 - 0.2));
  const auto near_fifth = [](const Configuration& c) { return std::abs(At(c, 0) - 0.2) < 0.2; };
  EXPECT_GE(CountOf(*Tpe(space), study.View(), 200, 50, near_fifth), 40);
}

TEST(TpeSearchTest, ChoosesInTheCompanyOfWhatIsFixed) {
  const SearchSpace space = Space({Float("x", 0, 1), Choice("side", {Text("left"), Text("right")})});
  StudyUnderSearch study;
  for (int i = 0; i < 100; ++i) {
    const double x = (i + 0.5) / 100;
    study.AddCompleted({x, Text("left")}, std::abs(x - 0.1));
    study.AddCompleted({x, Text("right")}, std::abs(x - 0.9));
  }
  const auto tpe = Tpe(space);
  int left = 0, right = 0;
  for (int64_t index = 200; index < 250; ++index) {
    left += At(tpe->Suggest(study.View(), index, {std::nullopt, Text("left")}), 0) < 0.4;
    right += At(tpe->Suggest(study.View(), index, {std::nullopt, Text("right")}), 0) > 0.6;
  }
  EXPECT_GE(left, 42);
  EXPECT_GE(right, 42);
}

TEST(TpeSearchTest, BeatsRandomSearchOnABowl) {
  const SearchSpace space =
      Space({Float("x", -5, 5), Float("y", -5, 5), Float("rate", 1e-4, 1, Scale::kLog), Int("n", 1, 20)});
  const auto value = [](const Configuration& c) {
    return std::pow(At(c, 0) - 1, 2) + std::pow(At(c, 1) + 2, 2) + std::pow(std::log10(At(c, 2)) + 2, 2) +
           std::pow((static_cast<double>(std::get<int64_t>(*c[3])) - 7) / 4, 2);
  };
  int won = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const auto tpe = Tpe(space, seed, 0.2);
    const RandomSearch random(space, seed);
    StudyUnderSearch study;
    double best = std::numeric_limits<double>::infinity(), best_random = best;
    for (int64_t i = 0; i < 100; ++i) {
      const Configuration suggested = tpe->Suggest(study.View(), i, {});
      best = std::min(best, value(suggested));
      best_random = std::min(best_random, value(random.Suggest({}, i, {})));
      study.AddCompleted(suggested, value(suggested));
    }
    won += best < best_random;
  }
  EXPECT_GE(won, 9);
}

TEST(TpeSearchTest, RefusesMoreParametersThanTheSequenceHas) {
  std::vector<Parameter> parameters;
  for (int i = 0; i < 3668; ++i) parameters.push_back(Float("x" + std::to_string(i), 0, 1));
  const SearchSpace space = Space(std::move(parameters));
  EXPECT_EQ(TpeSearch::Create(space, {}).status().message(),
            "search.method: tpe over 3668 parameters; want at most 3667, or random");
}

}  // namespace
}  // namespace athanor
