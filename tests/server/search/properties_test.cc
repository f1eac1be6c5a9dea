// What every search method owes to every space: thousands of random spaces and studies in all states.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "server/search/random.h"
#include "server/search/search_method.h"
#include "tests/server/core/spaces.h"
#include "tests/server/search/studies.h"

namespace athanor {
namespace {

using testing::Choice;
using testing::EveryConfiguration;
using testing::Float;
using testing::Int;
using testing::Print;
using testing::RandomFiniteParameters;
using testing::Space;
using testing::Stepped;
using testing::StudyUnderSearch;
using testing::Text;
using testing::When;

constexpr auto kPoints = SearchSpace::Points::kIgnore;

enum class Kinds { kAll, kNumbers };

// One to five parameters of every type and scale; kAll: categories too, and conditions on the first.
std::vector<Parameter> RandomParameters(Random& random, Kinds kinds) {
  std::vector<Parameter> parameters;
  if (kinds == Kinds::kAll) parameters.push_back(Choice("first", {Text("a"), Text("b"), Text("c")}));
  const size_t size = 1 + random.Below(5);
  for (size_t i = 0; i < size; ++i) {
    const std::string name = "p" + std::to_string(i);
    const Scale scale = random.Below(2) == 0 ? Scale::kLinear : Scale::kLog;
    switch (random.Below(kinds == Kinds::kAll ? 5 : 4)) {
      case 0:
        parameters.push_back(Float(name, 1e-5 * static_cast<double>(1 + random.Below(9)), 1, scale));
        break;
      case 1:
        parameters.push_back(Int(name, 1, static_cast<double>(1 + random.Below(100)), scale));
        break;
      case 2:
        parameters.push_back(Stepped(Float(name, 0.5, 0.5 + 0.1 * static_cast<double>(random.Below(8)), scale), 0.1));
        break;
      case 3:
        parameters.push_back(Stepped(Int(name, 3, 1e6, scale), static_cast<double>(1 + random.Below(1000))));
        break;
      default:
        parameters.push_back(Choice(name, {Value(true), Value(2.5), Text("x")}));
    }
    if (kinds == Kinds::kAll && random.Below(3) == 0) parameters.back().when = {{"first", {Text("b"), Text("c")}}};
  }
  return parameters;
}

// Every tenth value is no number, or the trial failed.
TrialState RandomEnd(Random& random) {
  using enum TrialState;
  constexpr TrialState kStates[] = {kCompleted, kCompleted, kCompleted, kCompleted, kPruned,    kPruned,
                                    kRunning,   kPaused,    kWaiting,   kFailed,    kCancelled, kInfeasible};
  return kStates[random.Below(std::size(kStates))];
}

void AddTrial(StudyUnderSearch& study, Random& random, Configuration configuration) {
  const TrialState state = RandomEnd(random);
  const double value = random.Below(10) == 0 ? std::nan("") : random.Normal();
  const bool has_value = state != TrialState::kWaiting && state != TrialState::kInfeasible;
  const TrialNumber trial = study.Add(std::move(configuration), state, has_value ? std::optional(value) : std::nullopt);
  if (state == TrialState::kWaiting) return;
  const double oriented = std::isfinite(value) ? value : std::numeric_limits<double>::infinity();
  const auto rungs = static_cast<int64_t>(random.Below(4));
  for (int64_t rung = 0; rung < rungs; ++rung) study.Enter(trial, rung, oriented, static_cast<int64_t>(trial % 2));
}

// A study of random trials; half of the studies have rungs, a quarter an earlier study.
StudyUnderSearch RandomStudy(const SearchSpace& space, Random& random) {
  StudyUnderSearch study(random.Below(2) == 0 ? std::vector<int64_t>{} : std::vector<int64_t>{1, 3, 9});
  const RandomSearch configurations(space, random.Next());
  const auto trials = static_cast<int64_t>(random.Below(40));
  for (int64_t i = 0; i < trials; ++i) AddTrial(study, random, configurations.Suggest({}, i, {}));
  if (random.Below(4) == 0) {
    for (int64_t i = 0; i < 20; ++i) {
      study.AddPrior(configurations.Suggest({}, 100 + i, {}), static_cast<double>(i) / 20);
    }
  }
  return study;
}

// Some values of a configuration of the space.
Configuration RandomPart(const SearchSpace& space, Random& random) {
  Configuration part = RandomSearch(space, random.Next()).Suggest({}, 0, {});
  for (auto& value : part) {
    if (random.Below(3) != 0) value.reset();
  }
  return part;
}

std::unique_ptr<SearchMethod> Method(const std::string& name, const SearchSpace& space, uint64_t seed) {
  StudySpec spec;
  spec.search = {.method = name, .seed = seed};
  return CreateSearchMethod(spec, space).value();
}

std::set<Configuration> TakenIn(const StudyUnderSearch& study) {
  std::set<Configuration> taken;
  for (const Trial& trial : study.trials()) taken.insert(trial.configuration.Unpack());
  return taken;
}

class EveryMethodTest : public ::testing::TestWithParam<std::string> {
 protected:
  bool is_model() const { return GetParam() == "tpe" || GetParam() == "gp" || GetParam() == "cmaes"; }
  Kinds kinds() const { return GetParam() == "cmaes" ? Kinds::kNumbers : Kinds::kAll; }
  // A Gaussian process takes milliseconds where the others take microseconds.
  int cases() const { return GetParam() == "gp" ? 150 : 1'000; }
};

TEST_P(EveryMethodTest, SuggestsWhatIsInTheSpaceAndTheSameEveryTime) {
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(cases()); ++seed) {
    Random random({seed, 11});
    const SearchSpace space = Space(RandomParameters(random, kinds()));
    const StudyUnderSearch study = RandomStudy(space, random);
    const auto method = Method(GetParam(), space, seed);
    const Configuration part = RandomPart(space, random);
    const auto index = static_cast<int64_t>(random.Below(60));
    const std::set<Configuration> taken = is_model() ? TakenIn(study) : std::set<Configuration>{};
    for (const Configuration& fixed : {Configuration{}, part}) {
      const Configuration suggested = method->Suggest(study.View(), index, fixed);
      ASSERT_EQ(space.Check(suggested), absl::OkStatus()) << "seed " << seed << ": " << Print(space, suggested);
      for (size_t i = 0; i < fixed.size(); ++i) {
        if (fixed[i]) {
          ASSERT_EQ(suggested[i], fixed[i]) << "seed " << seed << ": " << Print(space, suggested);
        }
      }
      ASSERT_EQ(method->Suggest(study.View(), index, fixed), suggested) << "seed " << seed;
      ASSERT_EQ(Method(GetParam(), space, seed)->Prepare(study.View(), index, fixed)(), suggested) << "seed " << seed;
      const auto count = space.CountConfigurations(kPoints);
      if (fixed.empty() && (!count || *count > static_cast<int64_t>(taken.size()))) {
        ASSERT_FALSE(taken.contains(suggested)) << "seed " << seed << ": " << Print(space, suggested);
      }
    }
  }
}

// A study that uses up a small space, asked for one configuration after the other.
TEST_P(EveryMethodTest, RepeatsNothingBeforeAllWasTried) {
  const int spaces = GetParam() == "gp" ? 15 : 150;
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(spaces); ++seed) {
    Random random({seed, 12});
    std::vector<Parameter> parameters = RandomFiniteParameters(random);
    if (kinds() == Kinds::kNumbers) {
      parameters = {Int("n", 1, static_cast<double>(1 + random.Below(6))), Stepped(Float("x", 0, 0.5), 0.1),
                    Int("width", 1, 3, Scale::kLog)};
    }
    const SearchSpace space = Space(std::move(parameters));
    const auto method = Method(GetParam(), space, seed);
    const int64_t count = std::min<int64_t>(*space.CountConfigurations(kPoints), 60);
    StudyUnderSearch study;
    std::set<Configuration> seen;
    for (int64_t i = 0; i < count; ++i) {
      const Configuration suggested = method->Suggest(study.View(), i, {});
      ASSERT_EQ(space.Check(suggested), absl::OkStatus());
      ASSERT_TRUE(seen.insert(suggested).second) << "seed " << seed << ": " << Print(space, suggested);
      AddTrial(study, random, suggested);
    }
    if (count < 60 && is_model()) {  // used up: something must come all the same
      ASSERT_EQ(space.Check(method->Suggest(study.View(), count, {})), absl::OkStatus());
    }
  }
}

// Model-based methods also know what others enqueued, and keep to what is fixed while that leaves something.
TEST_P(EveryMethodTest, RepeatsNothingThatWasEnqueued) {
  if (!is_model()) GTEST_SKIP() << "a pure function of (seed, index)";
  const int spaces = GetParam() == "gp" ? 30 : 300;
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(spaces); ++seed) {
    Random random({seed, 13});
    const SearchSpace space = Space({Int("n", 1, 4), Int("m", 1, 5)});
    const std::vector<Configuration> all = EveryConfiguration(space);
    const auto spared = static_cast<size_t>(random.Below(all.size()));
    StudyUnderSearch study;
    for (size_t i = 0; i < all.size(); ++i) {
      if (i != spared) AddTrial(study, random, all[i]);
    }
    const auto method = Method(GetParam(), space, seed);
    const auto index = static_cast<int64_t>(random.Below(40));
    ASSERT_EQ(method->Suggest(study.View(), index, {}), all[spared]);
    ASSERT_EQ(method->Suggest(study.View(), index, {all[spared][0], std::nullopt}), all[spared]);
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, EveryMethodTest, ::testing::Values("random", "sobol", "tpe", "gp", "cmaes"),
                         [](const auto& info) { return info.param; });

TEST(GridPropertiesTest, SuggestsWhatIsInTheSpaceOnce) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random({seed, 14});
    const SearchSpace space = Space(RandomFiniteParameters(random));
    const auto grid = Method("grid", space, seed);
    std::set<Configuration> seen;
    for (int64_t i = 0; i < *grid->Count(); ++i) {
      const Configuration suggested = grid->Suggest({}, i, {});
      ASSERT_EQ(space.Check(suggested), absl::OkStatus());
      ASSERT_TRUE(seen.insert(suggested).second);
    }
  }
}

}  // namespace
}  // namespace athanor
