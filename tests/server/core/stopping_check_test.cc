#include "server/core/stopping_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/server/core/spaces.h"

namespace athanor {
namespace {

using testing::Float;
using testing::Number;

StudySpec Spec(EarlyStoppingOptions options) {
  StudySpec spec;
  spec.name = "s";
  spec.objectives = {{.metric = "val_accuracy"}};
  spec.parameters = {Float("learning_rate", 1e-4, 1, Scale::kLog)};
  spec.search.method = "random";
  spec.budget.trials = 10;
  spec.trainer = {{"epochs", Number(27)}};
  spec.early_stopping = std::move(options);
  return spec;
}

template <typename Options>
EarlyStoppingOptions With(std::function<void(Options&)> change) {
  Options options;
  change(options);
  return options;
}

TEST(StoppingCheckTest, RefusesWhatIsOffWithItsKeyPath) {
  struct Case {
    EarlyStoppingOptions options;
    const char* message;
  };
  const double nan = std::nan("");
  const Case cases[] = {
      {With<AshaPromotion>([](auto& o) { o.brackets = 0; }), "early_stopping.brackets: 0 is too small; want int >= 1"},
      {With<Hyperband>([](auto& o) { o.reduction_factor = 1; }),
       "early_stopping.reduction_factor: 1 is out of range; want int in [2, 1000000]"},
      {With<Hyperband>([](auto& o) { o.min_resource = 28; }),
       "early_stopping.min_resource: 28 is above max_resource; want int in [1, 27]"},
      {With<Hyperband>([](auto& o) { o.finalists = -1; }), "early_stopping.finalists: -1 is too small; want int >= 0"},
      {With<Hyperband>([](auto& o) { o.startup_trials = 2; }),
       "early_stopping.startup_trials: 2 is given to hyperband; only asha_stopping has it"},
      {With<Hyperband>([](auto& o) { o.max_resource = 81; }),
       "trainer.epochs: 27 is below early_stopping.max_resource; want int >= 81"},
      {ThresholdStopping{}, "early_stopping.lower: nothing is given; want lower, upper or both"},
      {ThresholdStopping{{.lower = 2, .upper = 1}}, "early_stopping.lower: 2.0 is above upper; want float <= 1.0"},
      {ThresholdStopping{{.lower = nan}}, "early_stopping.lower: nan is not finite; want a finite number"},
      {ThresholdStopping{{.upper = std::numeric_limits<double>::infinity()}},
       "early_stopping.upper: inf is not finite; want a finite number"},
      {ThresholdStopping{{.lower = 2, .warmup_steps = -1}},
       "early_stopping.warmup_steps: -1 is out of range; want int in [0, 9007199254740992]"},
      {ThresholdStopping{{.lower = 2, .interval_steps = 0}},
       "early_stopping.interval_steps: 0 is out of range; want int in [1, 9007199254740992]"},
      {PatienceStopping{.patience = -1},
       "early_stopping.patience: -1 is out of range; want int in [0, 9007199254740992]"},
      {PatienceStopping{.min_delta = -0.5}, "early_stopping.min_delta: -0.5 is out of range; want float >= 0"},
      {PatienceStopping{.min_delta = nan}, "early_stopping.min_delta: nan is out of range; want float >= 0"},
      {PatienceStopping{.inner = ThresholdStopping{}},
       "early_stopping.inner.lower: nothing is given; want lower, upper or both"},
      {PatienceStopping{.inner = PercentileStopping{{.percentile = 100}}},
       "early_stopping.inner.percentile: 100.0 is out of range; want float in (0, 100)"},
      {PatienceStopping{.inner = MedianStopping{{.startup_trials = -1}}},
       "early_stopping.inner.startup_trials: -1 is too small; want int >= 0"},
  };
  for (const Case& c : cases) {
    StudySpec spec = Spec(c.options);
    EXPECT_EQ(Complete(spec).message(), c.message);
  }
}

TEST(StoppingCheckTest, FillsInWhatHyperbandLeavesOpen) {
  StudySpec spec = Spec(Hyperband{});
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(std::get<Hyperband>(spec.early_stopping).max_resource, 27);
  EXPECT_EQ(MaxResource(spec), 27);
  EXPECT_EQ(Halving(spec.early_stopping)->max_resource, 27);
  spec = Spec(With<Hyperband>([](auto& o) { o.max_resource = 9; }));
  spec.trainer.clear();
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  EXPECT_EQ(spec.trainer.at("epochs"), Number(9));
}

TEST(StoppingCheckTest, FillsInTheMedianAlsoInsidePatience) {
  StudySpec spec = Spec(PatienceStopping{.inner = MedianStopping{{.percentile = 0}}});
  ASSERT_EQ(Complete(spec), absl::OkStatus());
  const auto& inner = std::get<PatienceStopping>(spec.early_stopping).inner;
  EXPECT_EQ(std::get<MedianStopping>(inner).percentile, 50);
}

TEST(StoppingCheckTest, TakesMoreBracketsThanThereAreRungs) {
  StudySpec spec = Spec(With<AshaPromotion>([](auto& o) { o.brackets = 1000; }));
  EXPECT_EQ(Complete(spec), absl::OkStatus());
}

TEST(StoppingNameTest, SaysTheMethod) {
  EXPECT_EQ(StoppingName(Hyperband{}), "hyperband");
  EXPECT_EQ(StoppingName(ThresholdStopping{}), "threshold");
  EXPECT_EQ(StoppingName(PatienceStopping{}), "patience");
}

}  // namespace
}  // namespace athanor
