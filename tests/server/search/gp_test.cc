#include "server/search/gp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <set>
#include <vector>

#include "base/random.h"
#include "server/search/random.h"
#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::Float;
using testing::Int;
using testing::Print;
using testing::RandomFiniteParameters;
using testing::Space;
using testing::Text;
using testing::When;

using Function = std::function<double(const Configuration&)>;

double At(const Configuration& configuration, size_t index) { return std::get<double>(*configuration[index]); }

Trial Completed(TrialNumber number, Configuration configuration, double value) {
  Trial trial;
  trial.number = number;
  trial.state = TrialState::kCompleted;
  trial.configuration = std::move(configuration);
  trial.best = ObjectiveValue{.value = value, .step = 1};
  return trial;
}

std::unique_ptr<GpSearch> Gp(const SearchSpace& space, uint64_t seed, double random_share = 0.2,
                             int64_t startup_trials = 10) {
  SearchOptions options = {.method = "gp", .seed = seed};
  options.startup_trials = startup_trials;
  options.random_share = random_share;
  return GpSearch::Create(space, options).value();
}

// One trial after the other, each finished before the next is suggested.
std::vector<Trial> RunTrials(const SearchMethod& method, const Function& function, int64_t count) {
  std::vector<Trial> trials;
  for (int64_t i = 0; i < count; ++i) {
    Configuration suggested = method.Suggest({.trials = trials}, i, {});
    const double value = function(suggested);
    trials.push_back(Completed(i, std::move(suggested), value));
  }
  return trials;
}

double Best(const std::vector<Trial>& trials) {
  double best = std::numeric_limits<double>::infinity();
  for (const Trial& trial : trials) best = std::min(best, trial.best->value);
  return best;
}

double Branin(const Configuration& c) {
  const double x = At(c, 0), y = At(c, 1), pi = std::numbers::pi;
  const double bowl = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
  return bowl * bowl + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}

TEST(GpSearchTest, BeatsRandomOnASphereOfFiveDimensions) {
  std::vector<Parameter> parameters;
  for (const char* name : {"a", "b", "c", "d", "e"}) parameters.push_back(Float(name, -5, 5));
  const SearchSpace space = Space(parameters);
  const Function sphere = [](const Configuration& c) {
    double sum = 0;
    for (size_t i = 0; i < c.size(); ++i) sum += (At(c, i) - 1.3) * (At(c, i) - 1.3);
    return sum;
  };
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const double with_model = Best(RunTrials(*Gp(space, seed), sphere, 60));
    EXPECT_LT(with_model, 0.1) << seed;
    EXPECT_LT(with_model, 0.05 * Best(RunTrials(RandomSearch(space, seed), sphere, 60))) << seed;
  }
}

TEST(GpSearchTest, FindsTheMinimumOfBranin) {
  const SearchSpace space = Space({Float("x", -5, 10), Float("y", 0, 15)});
  for (uint64_t seed = 1; seed <= 3; ++seed) EXPECT_LT(Best(RunTrials(*Gp(space, seed), Branin, 45)), 0.4) << seed;
}

TEST(GpSearchTest, LearnsAcrossCategoriesIntsAndConditions) {
  const SearchSpace space =
      Space({Choice("kind", {Text("bad"), Text("good"), Text("worse")}), Int("layers", 1, 9),
             Float("rate", 1e-4, 1, Scale::kLog), When(Float("momentum", 0, 1), "kind", {Text("good")})});
  const Function function = [](const Configuration& c) {
    const bool good = std::get<std::string>(*c[0]) == "good";
    const double momentum = good ? std::abs(At(c, 3) - 0.8) : 1;
    return (good ? 0 : 2) + 0.1 * std::abs(static_cast<double>(std::get<int64_t>(*c[1])) - 6) +
           std::abs(std::log10(At(c, 2)) + 2) + momentum;
  };
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const std::vector<Trial> trials = RunTrials(*Gp(space, seed), function, 50);
    for (const Trial& trial : trials) ASSERT_TRUE(space.Check(trial.configuration.Unpack()).ok());
    EXPECT_LT(Best(trials), 0.4) << seed;
  }
}

TEST(GpSearchTest, StartsQuasiRandomAndDrawsItsShareAtRandom) {
  const SearchSpace space = Space({Float("x", -5, 10), Float("y", 0, 15)});
  const auto gp = Gp(space, 7, 1.0, 6);
  const auto sobol = SobolSearch::Create(space, 7).value();
  const RandomSearch random(space, 7);
  const std::vector<Trial> trials = RunTrials(*gp, Branin, 12);
  for (int64_t i = 0; i < 12; ++i) {
    const Configuration expected = i < 6 ? sobol->Suggest({}, i, {}) : random.Suggest({}, i, {});
    EXPECT_EQ(trials[static_cast<size_t>(i)].configuration, expected) << i;
  }
}

TEST(GpSearchTest, IsAPureFunctionWhoseWorkOwnsWhatItLooksAt) {
  const SearchSpace space = Space({Float("x", -5, 10), Float("y", 0, 15)});
  const auto gp = Gp(space, 7, 0.0);
  std::vector<Trial> trials = RunTrials(*gp, Branin, 20);
  const Configuration suggested = gp->Suggest({.trials = trials}, 20, {});
  const SearchMethod::Work work = gp->Prepare({.trials = trials}, 20, {});
  const auto another = Gp(space, 7, 0.0);
  EXPECT_EQ(another->Suggest({.trials = trials}, 20, {}), suggested);
  EXPECT_NE(gp->Suggest({.trials = trials}, 21, {}), suggested);
  trials.clear();
  EXPECT_EQ(work(), suggested);
  EXPECT_TRUE(gp->IsSlow());
}

TEST(GpSearchTest, NeverRepeatsATrialWhileTheSpaceHasOthers) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    Random random({seed, 11});
    const SearchSpace space = Space(RandomFiniteParameters(random));
    const int64_t count = std::min<int64_t>(*space.CountConfigurations(SearchSpace::Points::kIgnore), 40);
    const auto gp = Gp(space, seed, 0.1, 4);
    std::vector<Trial> trials;
    std::set<Configuration> seen;
    for (int64_t i = 0; i < count; ++i) {
      const Configuration suggested = gp->Suggest({.trials = trials}, i, {});
      ASSERT_TRUE(space.Check(suggested).ok()) << Print(space, suggested);
      EXPECT_TRUE(seen.insert(suggested).second)
          << "seed " << seed << " index " << i << ": " << Print(space, suggested);
      trials.push_back(Completed(i, suggested, random.Normal()));
      if (i % 3 == 1) trials.back().state = TrialState::kRunning;
      if (i % 5 == 4) trials.back().state = TrialState::kFailed;
    }
    EXPECT_TRUE(space.Check(gp->Suggest({.trials = trials}, count, {})).ok());
  }
}

// The best point is a corner, so that the model would ask for exactly it again and again.
TEST(GpSearchTest, NeverRepeatsACornerOfAContinuousSpace) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const auto gp = Gp(space, 3, 0.0, 5);
  const std::vector<Trial> trials = RunTrials(
      *gp, [](const Configuration& c) { return At(c, 0) + At(c, 1); }, 25);
  std::set<Configuration> seen;
  for (const Trial& trial : trials) EXPECT_TRUE(seen.insert(trial.configuration.Unpack()).second);
  EXPECT_EQ(Best(trials), 0);
}

TEST(GpSearchTest, KeepsFixedValuesAndCompletesTheRestAroundThem) {
  const SearchSpace space = Space({Float("x", -5, 10), Float("y", 0, 15)});
  const auto gp = Gp(space, 1, 0.0);
  const std::vector<Trial> trials = RunTrials(*gp, Branin, 40);
  const Configuration suggested = gp->Suggest({.trials = trials}, 40, {Value(9.42478), std::nullopt});
  EXPECT_EQ(At(suggested, 0), 9.42478);
  EXPECT_NEAR(At(suggested, 1), 2.475, 1.5);  // the minimum on that line
}

TEST(GpSearchTest, PendingTrialsSpreadSuggestions) {
  const SearchSpace space = Space({Float("x", -5, 10), Float("y", 0, 15)});
  const auto gp = Gp(space, 5, 0.0);
  std::vector<Trial> trials = RunTrials(*gp, Branin, 15);
  std::vector<Configuration> batch;
  for (int64_t i = 15; i < 20; ++i) {
    batch.push_back(gp->Suggest({.trials = trials}, i, {}));
    Trial running;
    running.number = i;
    running.state = TrialState::kRunning;
    running.configuration = batch.back();
    trials.push_back(running);
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const double apart = std::hypot(At(batch[i], 0) - At(batch[j], 0), At(batch[i], 1) - At(batch[j], 1));
      EXPECT_GT(apart, 0.1) << i << " " << j;
    }
  }
}

TEST(GpSearchTest, LearnsFromEarlierStudiesBeforeItHasResults) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  std::vector<PriorTrial> prior;
  const auto sobol = SobolSearch::Create(space, 99).value();
  const auto distance = [](const Configuration& c) { return std::hypot(At(c, 0) - 0.7, At(c, 1) - 0.2); };
  for (int64_t i = 0; i < 40; ++i) prior.push_back({sobol->Suggest({}, i, {}), 0});
  std::ranges::sort(prior, {}, [&](const PriorTrial& trial) { return distance(trial.configuration); });
  for (size_t i = 0; i < prior.size(); ++i) prior[i].score = static_cast<double>(i) / 40;
  const Configuration suggested = Gp(space, 1, 0.0, 1)->Suggest({.trials = {}, .prior = prior}, 1, {});
  EXPECT_LT(distance(suggested), 0.25);
}

TEST(GpSearchTest, NonFiniteValuesAndFailuresCountAsTheWorstAndAreAvoided) {
  const SearchSpace space = Space({Float("x", 0, 1), Float("y", 0, 1)});
  const double infinity = std::numeric_limits<double>::infinity();
  const auto gp = Gp(space, 2, 0.0);
  const std::vector<Trial> trials = RunTrials(
      *gp, [&](const Configuration& c) { return At(c, 0) > 0.5 ? infinity : std::abs(At(c, 0) - 0.3) + At(c, 1); }, 40);
  EXPECT_LT(Best(trials), 0.02);
  int failed = 0;
  for (size_t i = 10; i < trials.size(); ++i) failed += std::isfinite(trials[i].best->value) ? 0 : 1;
  EXPECT_LT(failed, 8);
}

TEST(GpSearchTest, SuggestsWithoutAnyFiniteResult) {
  const SearchSpace space = Space({Float("x", 0, 1)});
  const auto gp = Gp(space, 2, 0.0);
  const std::vector<Trial> trials = RunTrials(
      *gp, [](const Configuration&) { return std::numeric_limits<double>::quiet_NaN(); }, 20);
  std::set<Configuration> seen;
  for (const Trial& trial : trials) EXPECT_TRUE(seen.insert(trial.configuration.Unpack()).second);
}

}  // namespace
}  // namespace athanor
