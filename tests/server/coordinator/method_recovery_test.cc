// Every search method with every stopping rule: a coordinator that is killed in mid-study, and reads its store again,
// goes on exactly as one that was left alone.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>

#include "tests/server/coordinator/scripted_study.h"

namespace athanor {
namespace {

using testing::Reopening;
using testing::Script;
using testing::ScriptOptions;
using testing::Suggesting;

template <typename Rule>
EarlyStoppingOptions UpTo9(Rule rule) {
  rule.max_resource = 9;
  return rule;
}

EarlyStoppingOptions RuleOf(const std::string& name) {
  if (name == "asha") return UpTo9(AshaPromotion());
  if (name == "asha_stopping") return UpTo9(AshaStopping());
  if (name == "hyperband") return UpTo9(Hyperband());
  if (name == "asha_brackets") {
    AshaPromotion asha;
    asha.brackets = 2;
    return UpTo9(asha);
  }
  if (name == "synchronous") {
    Hyperband hyperband;
    hyperband.synchronous = true;
    return UpTo9(hyperband);
  }
  MedianStopping median;
  median.startup_trials = 2;
  if (name == "median") return median;
  if (name == "patience") return PatienceStopping{.patience = 1, .min_delta = 0.005, .inner = median};
  if (name == "threshold") return ThresholdStopping{{.lower = 0, .interval_steps = 2}};
  return NoStopping{};
}

// 16 trials over 24 points, of which models that are asked for learn after the fourth.
StudySpec Study(const std::string& method, const std::string& rule) {
  StudySpec spec = testing::SmallStudy("s", 16);
  spec.parameters[0].points = 4;
  Parameter channels;
  channels.name = "channels";
  channels.type = ParameterType::kInt;
  channels.min = 1;
  channels.max = 6;
  spec.parameters.push_back(channels);
  spec.search = {.method = method, .seed = 42};
  if (method == "tpe" || method == "gp") spec.search.startup_trials = 4;
  spec.early_stopping = RuleOf(rule);
  return spec;
}

class EveryMethod : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  StudySpec Spec() const { return Study(method(), std::get<1>(GetParam())); }
  std::string method() const { return std::get<0>(GetParam()); }
  // A grid has its own points and takes no others.
  ScriptOptions With(Reopening reopening, Suggesting suggesting) const {
    ScriptOptions options{.reopening = reopening, .suggesting = suggesting};
    if (method() == "grid") options.enqueued.clear();
    return options;
  }
};

TEST_P(EveryMethod, KilledNowAndThenGoesOnAsIfLeftAlone) {
  Script alone(Spec(), With(Reopening::kNever, Suggesting::kOnTheSpot));
  Script killed(Spec(), With(Reopening::kNowAndThen, Suggesting::kOnTheSpot));
  EXPECT_EQ(killed.Run(), alone.Run());
  EXPECT_GT(killed.reopened(), 10);
}

// Those that compute on a pool of threads.
class EverySlowMethod : public EveryMethod {};

TEST_P(EverySlowMethod, KilledWhileTheSuggestionIsComputedGetsTheSameOne) {
  Script alone(Spec(), With(Reopening::kNever, Suggesting::kOnAPool));
  Script killed(Spec(), With(Reopening::kAfterEveryStep, Suggesting::kOnAPool));
  EXPECT_EQ(killed.Run(), alone.Run());
  EXPECT_GE(alone.asked(), 16);
  EXPECT_GT(killed.asked(), alone.asked());  // lost on the way, and asked for again
}

constexpr const char* kRules[] = {"none", "median",        "threshold", "patience",   "asha_stopping",
                                  "asha", "asha_brackets", "hyperband", "synchronous"};

std::string NameOf(const ::testing::TestParamInfo<std::tuple<const char*, const char*>>& info) {
  return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
}

INSTANTIATE_TEST_SUITE_P(Methods, EveryMethod,
                         ::testing::Combine(::testing::Values("grid", "random", "sobol", "tpe", "gp", "cmaes", "auto"),
                                            ::testing::ValuesIn(kRules)),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Methods, EverySlowMethod,
                         ::testing::Combine(::testing::Values("tpe", "gp", "cmaes", "auto"),
                                            ::testing::ValuesIn(kRules)),
                         NameOf);

}  // namespace
}  // namespace athanor
