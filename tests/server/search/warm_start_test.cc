#include "server/search/warm_start.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace athanor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const Parameter kRate{
    .name = "learning_rate", .type = ParameterType::kFloat, .min = 1e-4, .max = 1.0, .scale = Scale::kLog};
const Parameter kOptimizer{.name = "optimizer",
                           .type = ParameterType::kCategorical,
                           .values = {Value(std::string("sgd")), Value(std::string("adam"))}};
const Parameter kMomentum{.name = "momentum",
                          .type = ParameterType::kFloat,
                          .min = 0,
                          .max = 0.9,
                          .when = {{"optimizer", {Value(std::string("sgd"))}}}};

SearchSpace Space(std::vector<Parameter> parameters) { return *SearchSpace::Create(std::move(parameters)); }

// A study of the given parameters whose trial i has values[i] as its best value.
class Earlier {
 public:
  Earlier(std::vector<Parameter> parameters, Goal goal) : space_(Space(std::move(parameters))) {
    spec_.objectives = {{"accuracy", goal}};
  }
  Earlier& Fix(const std::string& option, Value value) {
    spec_.trainer[option] = std::move(value);
    return *this;
  }
  Earlier& Add(Configuration configuration, std::optional<double> best) {
    Trial trial;
    trial.number = static_cast<TrialNumber>(trials_.size());
    trial.configuration = std::move(configuration);
    if (best.has_value()) trial.best = ObjectiveValue{*best, 1};
    trials_.push_back(std::move(trial));
    return *this;
  }
  operator EarlierStudy() const { return {spec_, space_, trials_}; }

 private:
  StudySpec spec_;
  SearchSpace space_;
  std::vector<Trial> trials_;
};

std::vector<Configuration> ConfigurationsOf(const std::vector<PriorTrial>& taken) {
  std::vector<Configuration> configurations;
  for (const PriorTrial& trial : taken) configurations.push_back(trial.configuration);
  return configurations;
}

std::vector<double> ScoresOf(const std::vector<PriorTrial>& taken) {
  std::vector<double> scores;
  for (const PriorTrial& trial : taken) scores.push_back(trial.score);
  return scores;
}

TEST(WarmStartTest, ScoreIsTheShareOfItsOwnStudyThatWasBetter) {
  const auto fill = [](Goal goal) {
    Earlier study({kRate}, goal);
    study.Add({0.1}, 0.5).Add({0.2}, 0.9).Add({0.3}, 0.5).Add({0.4}, 0.1);
    return study;
  };
  const Earlier maximized = fill(Goal::kMaximize), minimized = fill(Goal::kMinimize);
  const EarlierStudy both[] = {maximized, minimized};
  const auto taken = TakeOver(Space({kRate}), both);
  // Ties share the better place.
  EXPECT_THAT(ScoresOf(taken), ElementsAre(0.25, 0, 0.25, 0.75, /* minimized */ 0.25, 0.75, 0.25, 0));
  EXPECT_EQ(taken[3].source, 0);
  EXPECT_EQ(taken[4].source, 1);
}

TEST(WarmStartTest, TrialsWithoutAFiniteValueDoNotCount) {
  Earlier study({kRate}, Goal::kMaximize);
  study.Add({0.1}, std::nullopt).Add({0.2}, kNan).Add({0.3}, HUGE_VAL).Add({0.4}, 0.5).Add({0.5}, 0.4);
  const EarlierStudy sources[] = {study};
  const auto taken = TakeOver(Space({kRate}), sources);
  EXPECT_THAT(ConfigurationsOf(taken), ElementsAre(Configuration{0.4}, Configuration{0.5}));
  EXPECT_THAT(ScoresOf(taken), ElementsAre(0, 0.5));
}

TEST(WarmStartTest, ParametersAreMatchedByNameAndWhatWeDoNotHaveIsDropped) {
  Parameter wide = kRate;
  wide.max = 10;
  Earlier study({kOptimizer, kMomentum, wide}, Goal::kMaximize);
  study.Add({std::string("sgd"), 0.5, 0.1}, 1).Add({std::string("adam"), std::nullopt, 0.2}, 2);
  const EarlierStudy sources[] = {study};
  EXPECT_THAT(ConfigurationsOf(TakeOver(Space({kRate, kOptimizer}), sources)),
              ElementsAre(Configuration{0.1, std::string("sgd")}, Configuration{0.2, std::string("adam")}));
}

TEST(WarmStartTest, FixedOptionsCountWithTheirValues) {
  Earlier study({kRate}, Goal::kMaximize);
  study.Fix("optimizer", std::string("sgd")).Fix("momentum", 0.5).Add({0.1}, 1);
  Earlier adam({kRate}, Goal::kMaximize);
  adam.Fix("optimizer", std::string("adam")).Fix("momentum", 0.5).Add({0.2}, 1);
  const EarlierStudy sources[] = {study, adam};
  // The momentum of adam is inactive in our space.
  EXPECT_THAT(
      ConfigurationsOf(TakeOver(Space({kRate, kOptimizer, kMomentum}), sources)),
      ElementsAre(Configuration{0.1, std::string("sgd"), 0.5}, Configuration{0.2, std::string("adam"), std::nullopt}));
}

TEST(WarmStartTest, TrialsThatLackAnActiveParameterOrLieOutsideAreLeftOutButCount) {
  Earlier study({kRate, kOptimizer}, Goal::kMaximize);
  study
      .Add({0.5, std::string("sgd")}, 3)     // no momentum
      .Add({0.5, std::string("adam")}, 2)    // fits
      .Add({0.01, std::string("adam")}, 1);  // out of our range
  Parameter narrow = kRate;
  narrow.min = 0.1;
  const EarlierStudy sources[] = {study};
  const auto taken = TakeOver(Space({narrow, kOptimizer, kMomentum}), sources);
  EXPECT_THAT(ConfigurationsOf(taken), ElementsAre(Configuration{0.5, std::string("adam"), std::nullopt}));
  EXPECT_DOUBLE_EQ(taken[0].score, 1.0 / 3);
}

TEST(WarmStartTest, TypesGridsAndChoicesMustFit) {
  const Parameter channels{.name = "channels", .type = ParameterType::kInt, .min = 8, .max = 64, .step = 8};
  const Parameter any_channels{.name = "channels", .type = ParameterType::kInt, .min = 1, .max = 100};
  Earlier study({any_channels}, Goal::kMaximize);
  study.Add({int64_t{16}}, 1).Add({int64_t{17}}, 2).Add({int64_t{72}}, 3);
  const EarlierStudy sources[] = {study};
  EXPECT_THAT(ConfigurationsOf(TakeOver(Space({channels}), sources)), ElementsAre(Configuration{int64_t{16}}));

  const Parameter as_float{.name = "channels", .type = ParameterType::kFloat, .min = 1, .max = 20};
  EXPECT_THAT(ConfigurationsOf(TakeOver(Space({as_float}), sources)),
              ElementsAre(Configuration{16.0}, Configuration{17.0}));
  const Parameter as_text{
      .name = "channels", .type = ParameterType::kCategorical, .values = {Value(std::string("16"))}};
  EXPECT_THAT(TakeOver(Space({as_text}), sources), IsEmpty());
}

TEST(WarmStartTest, AtMostAThousandAreTakenTheBestAndThenTheNewest) {
  const Parameter index{.name = "index", .type = ParameterType::kInt, .min = 0, .max = 10'000};
  // Of 800 trials each, the first 400 are the best; the rest are all alike.
  Earlier first({index}, Goal::kMaximize), second({index}, Goal::kMaximize);
  for (int64_t i = 0; i < 800; ++i) {
    for (Earlier* study : {&first, &second}) study->Add({i}, i < 400 ? 1000 - static_cast<double>(i) : 1);
  }
  const EarlierStudy sources[] = {first, second};
  const auto taken = TakeOver(Space({index}), sources);
  ASSERT_EQ(taken.size(), kMaxPriorTrials);
  std::vector<int64_t> counts(2), alike(2);
  for (const PriorTrial& trial : taken) {
    ++counts[static_cast<size_t>(trial.source)];
    const int64_t number = std::get<int64_t>(*trial.configuration[0]);
    if (number < 400) continue;
    ++alike[static_cast<size_t>(trial.source)];
    EXPECT_GE(number, 600);
  }
  EXPECT_THAT(counts, ElementsAre(400, 600));
  EXPECT_THAT(alike, ElementsAre(0, 200));
  EXPECT_TRUE(std::ranges::is_sorted(taken, {}, [](const PriorTrial& trial) {
    return std::pair(trial.source, std::get<int64_t>(*trial.configuration[0]));
  }));
}

}  // namespace
}  // namespace athanor
