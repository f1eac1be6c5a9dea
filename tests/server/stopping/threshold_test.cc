#include "server/stopping/threshold.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "server/core/orientation.h"

namespace athanor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

StoppingDecision Decide(const ThresholdOptions& options, Goal goal, double value, int64_t step = 1,
                        std::optional<int64_t> previous_step = std::nullopt) {
  const Ladder ladder;
  const CompletedHistory history;
  const double oriented = Orient(goal, value);
  return ThresholdRule::Create(options, goal)
      .value()
      ->OnValue({ladder, history}, {.step = step, .value = oriented, .previous_step = previous_step, .best = oriented});
}

TEST(ThresholdTest, PrunesOutsideInclusiveBounds) {
  struct Case {
    ThresholdOptions options;
    Goal goal;
    double value;
    Action expected;
    double bound;  // NaN: none
  };
  const double none = std::nan("");
  const ThresholdOptions both = {.lower = 0.25, .upper = 10};
  const Case cases[] = {
      {both, Goal::kMinimize, 0.25, Action::kContinue, none},
      {both, Goal::kMinimize, 10, Action::kContinue, none},
      {both, Goal::kMinimize, 10.5, Action::kPrune, 10},
      {both, Goal::kMinimize, 0.125, Action::kPrune, 0.25},
      {both, Goal::kMaximize, 0.25, Action::kContinue, none},
      {both, Goal::kMaximize, 10, Action::kContinue, none},
      {both, Goal::kMaximize, 10.5, Action::kPrune, 10},
      {both, Goal::kMaximize, 0.125, Action::kPrune, 0.25},
      {{.upper = 10}, Goal::kMinimize, -1e300, Action::kContinue, none},
      {{.lower = 0.25}, Goal::kMaximize, 1e300, Action::kContinue, none},
      {{.upper = 10}, Goal::kMinimize, kInfinity, Action::kPrune, none},
      {{.upper = 10}, Goal::kMinimize, -kInfinity, Action::kPrune, none},
      {{.lower = 0.25}, Goal::kMaximize, std::nan(""), Action::kPrune, none},
  };
  for (const Case& c : cases) {
    const StoppingDecision decision = Decide(c.options, c.goal, c.value);
    EXPECT_EQ(decision.action, c.expected) << c.value;
    EXPECT_EQ(decision.recorded, c.expected == Action::kPrune) << c.value;
    if (std::isnan(c.bound)) {
      EXPECT_TRUE(std::isnan(decision.bound)) << c.value;
    } else {
      EXPECT_EQ(Unorient(c.goal, decision.bound), c.bound) << c.value;
    }
  }
}

TEST(ThresholdTest, LooksAtTheFirstReportAtOrAfterEachBoundary) {
  const ThresholdOptions options = {.upper = 1, .warmup_steps = 4, .interval_steps = 3};  // 4, 7, 10, ...
  struct Case {
    int64_t step;
    std::optional<int64_t> previous;
    Action expected;
  };
  for (const Case& c : {Case{3, 2, Action::kContinue}, Case{4, 3, Action::kPrune}, Case{5, 4, Action::kContinue},
                        Case{5, 3, Action::kPrune}, Case{9, 8, Action::kContinue}, Case{9, 6, Action::kPrune},
                        Case{6, std::nullopt, Action::kPrune}}) {
    EXPECT_EQ(Decide(options, Goal::kMinimize, 2, c.step, c.previous).action, c.expected) << c.step;
  }
}

TEST(ThresholdTest, LooksAtTheValueAndNotAtTheBest) {
  const Ladder ladder;
  const CompletedHistory history;
  const auto rule = ThresholdRule::Create({.upper = 1}, Goal::kMinimize).value();
  EXPECT_EQ(rule->OnValue({ladder, history}, {.step = 2, .value = 5, .best = 0.5}).action, Action::kPrune);
}

TEST(ThresholdTest, RefusesOptionsThatAreOff) {
  const auto message = [](const ThresholdOptions& options) {
    return std::string(ThresholdRule::Create(options, Goal::kMinimize).status().message());
  };
  EXPECT_EQ(message({}), "early_stopping.lower: nothing is no bound; want lower, upper or both");
  EXPECT_EQ(message({.lower = 2, .upper = 1}), "early_stopping.lower: 2.0 is above upper");
  EXPECT_EQ(message({.lower = std::nan("")}), "early_stopping.lower: nan is no bound; want float");
  EXPECT_EQ(message({.upper = std::nan("")}), "early_stopping.upper: NaN is no bound; want float");
  EXPECT_EQ(message({.upper = 1, .warmup_steps = -1}), "early_stopping.warmup_steps: -1 is too small; want int >= 0");
  EXPECT_EQ(message({.upper = 1, .interval_steps = 0}), "early_stopping.interval_steps: 0 is too small; want int >= 1");
  EXPECT_EQ(message({.lower = 1, .upper = 1}), "");
}

}  // namespace
}  // namespace athanor
