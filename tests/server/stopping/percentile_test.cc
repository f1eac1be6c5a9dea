#include "server/stopping/percentile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace athanor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A history in which trial i completed with values[i] at each of `steps`.
CompletedHistory History(const std::vector<double>& values,
                         const std::vector<int64_t>& steps = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
  CompletedHistory history;
  for (size_t trial = 0; trial < values.size(); ++trial) {
    std::vector<std::pair<int64_t, double>> curve;
    for (const int64_t step : steps) curve.emplace_back(step, values[trial]);
    history.Add(static_cast<TrialNumber>(trial), curve);
  }
  return history;
}

StoppingDecision Decide(const PercentileOptions& options, const CompletedHistory& history, const TrialValue& value) {
  const Ladder ladder;
  return PercentileRule::Create("percentile", options).value()->OnValue({ladder, history}, value);
}

TEST(PercentileTest, InterpolatesLinearly) {
  struct Case {
    std::vector<double> values;
    double percentile;
    double expected;
  };
  const Case cases[] = {
      {{7}, 50, 7},
      {{1, 2}, 50, 1.5},
      {{3, 1, 2}, 50, 2},
      {{4, 1, 3, 2}, 50, 2.5},
      {{1, 2, 3, 4, 5}, 25, 2},
      {{1, 2, 3, 4}, 25, 1.75},  // position 0.75
      {{1, 2, 3, 4}, 75, 3.25},  // position 2.25
      {{10, 20}, 90, 19},        // position 0.9
      {{5, 5, 5, 5}, 30, 5},
      {{1, 2, kInfinity}, 50, 2},
      {{1, 2, 3, kInfinity}, 50, 2.5},
      {{1, kInfinity}, 10, kInfinity},
      {{1, kInfinity}, 90, kInfinity},
      {{kInfinity, kInfinity}, 50, kInfinity},
      {{-1.5e308, 1.5e308}, 50, 0},  // their difference overflows
  };
  for (const Case& c : cases) {
    OrderStatistics values;
    for (size_t i = 0; i < c.values.size(); ++i) values.Insert(c.values[i], static_cast<TrialNumber>(i));
    EXPECT_DOUBLE_EQ(Percentile(values, c.percentile), c.expected)
        << "percentile " << c.percentile << " of " << c.values.size();
  }
  EXPECT_TRUE(std::isnan(Percentile(OrderStatistics(), 50)));
}

TEST(PercentileRuleTest, PrunesIffTheBestIsStrictlyWorseThanTheThreshold) {
  const CompletedHistory history = History({1, 2, 3, 4, 5});
  struct Case {
    double percentile;
    double best;
    double bound;
    Action action;
  };
  const Case cases[] = {
      {50, 2, 3, Action::kContinue},
      {50, 3, 3, Action::kContinue},  // a tie goes on
      {50, std::nextafter(3, 4), 3, Action::kPrune},
      {50, 9, 3, Action::kPrune},
      {25, 2, 2, Action::kContinue},
      {25, 2.5, 2, Action::kPrune},
      {75, 4, 4, Action::kContinue},
      {75, 4.5, 4, Action::kPrune},
  };
  for (const Case& c : cases) {
    const StoppingDecision decision =
        Decide({.percentile = c.percentile}, history, {.step = 4, .value = 99, .previous_step = 3, .best = c.best});
    EXPECT_EQ(decision.action, c.action) << c.percentile << ", " << c.best;
    EXPECT_DOUBLE_EQ(decision.bound, c.bound);
    EXPECT_EQ(decision.n, 5);
    EXPECT_TRUE(decision.recorded);
    EXPECT_EQ(decision.rung, std::nullopt);
    EXPECT_TRUE(decision.entered.empty());
  }
}

TEST(PercentileRuleTest, GoesOnWhileTheHistoryIsSmall) {
  const TrialValue bad = {.step = 4, .value = 99, .previous_step = 3, .best = 99};
  struct Case {
    int64_t startup_trials;
    size_t completed;
    Action action;
  };
  const Case cases[] = {{5, 4, Action::kContinue}, {5, 5, Action::kPrune},    {0, 0, Action::kContinue},
                        {0, 1, Action::kPrune},    {1, 0, Action::kContinue}, {1, 1, Action::kPrune}};
  for (const Case& c : cases) {
    const StoppingDecision decision =
        Decide({.startup_trials = c.startup_trials}, History(std::vector<double>(c.completed, 1.0)), bad);
    EXPECT_EQ(decision.action, c.action) << c.startup_trials << ", " << c.completed;
    EXPECT_EQ(decision.recorded, c.action == Action::kPrune);
  }
}

TEST(PercentileRuleTest, LooksAtTheFirstReportAtOrAfterEachBoundary) {
  const CompletedHistory history =
      History(std::vector<double>(5, 1.0), {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  struct Case {
    int64_t warmup_steps, interval_steps, step;
    std::optional<int64_t> previous_step;
    bool looked_at;
  };
  const Case cases[] = {
      {0, 1, 1, std::nullopt, true},
      {0, 1, 2, 1, true},
      // Boundaries 4, 7, 10, ...
      {4, 3, 3, 2, false},
      {4, 3, 4, 3, true},
      {4, 3, 5, 4, false},
      {4, 3, 6, 5, false},
      {4, 3, 7, 6, true},
      {4, 3, 5, 3, true},             // 4 was passed
      {4, 3, 6, std::nullopt, true},  // the first report of all
      {4, 3, 9, 5, true},             // 7 was passed
      {4, 3, 9, 7, false},
      {4, 3, 14, 4, true},  // several passed: once
      {4, 3, 3, std::nullopt, false},
      {0, 5, 4, 3, false},
      {0, 5, 4, std::nullopt, true},  // boundary 0
      {0, 5, 5, 4, true},
      {0, 5, 11, 9, true},
      {0, 5, 12, 11, false},
  };
  for (const Case& c : cases) {
    const StoppingDecision decision =
        Decide({.warmup_steps = c.warmup_steps, .interval_steps = c.interval_steps}, history,
               {.step = c.step, .value = 9, .previous_step = c.previous_step, .best = 9});
    EXPECT_EQ(decision.action, c.looked_at ? Action::kPrune : Action::kContinue)
        << c.warmup_steps << " + k * " << c.interval_steps << " at " << c.step;
    EXPECT_EQ(decision.recorded, c.looked_at);
  }
}

TEST(PercentileRuleTest, GoesOnWithFewerThanMinTrialsValuesAtTheStep) {
  const CompletedHistory history = History({1, 1, 1, 1, 1}, {2});
  const TrialValue at_two = {.step = 2, .value = 9, .previous_step = 1, .best = 9},
                   at_three = {.step = 3, .value = 9, .previous_step = 2, .best = 9};
  EXPECT_EQ(Decide({.min_trials = 5}, history, at_two).action, Action::kPrune);
  EXPECT_EQ(Decide({.min_trials = 6}, history, at_two).action, Action::kContinue);
  EXPECT_FALSE(Decide({.min_trials = 6}, history, at_two).recorded);
  EXPECT_EQ(Decide({.min_trials = 1}, history, at_three).action, Action::kContinue);  // no value at exactly 3
}

TEST(PercentileRuleTest, PrunesATrialWithoutAFiniteValueOnceItIsLookedAt) {
  const TrialValue diverged = {.step = 3, .value = kInfinity, .previous_step = 2, .best = kInfinity};
  const StoppingDecision decision = Decide({}, History({1, 1, 1, 1, 1}), diverged);
  EXPECT_EQ(decision.action, Action::kPrune);
  EXPECT_TRUE(decision.recorded);
  EXPECT_TRUE(std::isnan(decision.bound));
  EXPECT_EQ(Decide({.min_trials = 99}, History({1, 1, 1, 1, 1}), diverged).action, Action::kPrune);
  EXPECT_EQ(Decide({}, History({1, 1, 1, 1}), diverged).action, Action::kContinue);  // startup
  EXPECT_EQ(Decide({.warmup_steps = 4}, History({1, 1, 1, 1, 1}), diverged).action, Action::kContinue);
}

TEST(PercentileRuleTest, IgnoresNanAndRanksInfiniteWorstInTheHistory) {
  // At step 4: 1, 2, 3 (two NaN left out): median 2. With two +inf instead: 1 2 3 inf inf, median 3.
  const TrialValue value = {.step = 4, .value = 2.5, .previous_step = 3, .best = 2.5};
  EXPECT_EQ(Decide({}, History({1, std::nan(""), 2, std::nan(""), 3}), value).action, Action::kPrune);
  EXPECT_EQ(Decide({}, History({1, kInfinity, 2, kInfinity, 3}), value).action, Action::kContinue);
}

TEST(PercentileRuleTest, DecidesOverWholeCurves) {
  // Four trials completed with the curve 4 3 2 1, one with 2 2 2 2; the medians are 4 3 2 1.
  CompletedHistory history;
  for (TrialNumber trial = 0; trial < 4; ++trial) {
    history.Add(trial, std::vector<std::pair<int64_t, double>>{{1, 4.0}, {2, 3.0}, {3, 2.0}, {4, 1.0}});
  }
  history.Add(4, std::vector<std::pair<int64_t, double>>{{1, 2.0}, {2, 2.0}, {3, 2.0}, {4, 2.0}});
  struct Case {
    const char* name;
    std::vector<double> curve;
    int64_t pruned_at;  // 0: never
  };
  const Case cases[] = {{"constant", {2, 2, 2, 2}, 4},  {"descending", {4, 3, 2, 1}, 0},
                        {"ascending", {1, 5, 6, 7}, 0},  // its best stays 1
                        {"slow", {4, 4, 4, 4}, 2},      {"late", {4, 3, 2, 1.5}, 4},
                        {"bad", {5, 0, 0, 0}, 1},       {"recovering", {kInfinity, 1, 1, 1}, 1}};
  for (const Case& c : cases) {
    int64_t pruned_at = 0;
    double best = kInfinity;
    for (size_t i = 0; i < c.curve.size() && pruned_at == 0; ++i) {
      const auto step = static_cast<int64_t>(i) + 1;
      best = std::min(best, c.curve[i]);
      TrialValue value = {.step = step, .value = c.curve[i], .best = best};
      if (i > 0) value.previous_step = step - 1;
      if (Decide({}, history, value).action == Action::kPrune) pruned_at = step;
    }
    EXPECT_EQ(pruned_at, c.pruned_at) << c.name;
  }
}

TEST(PercentileRuleTest, RefusesOptionsThatAreOff) {
  const std::pair<PercentileOptions, const char*> cases[] = {
      {{.percentile = 0}, "early_stopping.percentile: 0.0 is out of range; want float in (0, 100)"},
      {{.percentile = 100}, "early_stopping.percentile: 100.0 is out of range; want float in (0, 100)"},
      {{.startup_trials = -1}, "early_stopping.startup_trials: -1 is too small; want int >= 0"},
      {{.warmup_steps = -1}, "early_stopping.warmup_steps: -1 is too small; want int >= 0"},
      {{.interval_steps = 0}, "early_stopping.interval_steps: 0 is too small; want int >= 1"},
      {{.min_trials = 0}, "early_stopping.min_trials: 0 is too small; want int >= 1"}};
  for (const auto& [options, message] : cases)
    EXPECT_EQ(PercentileRule::Create("percentile", options).status().message(), message);
}

TEST(CreateStoppingRuleTest, MakesWhatTheSpecAsksFor) {
  StudySpec spec;
  EXPECT_EQ(*CreateStoppingRule(spec), nullptr);
  spec.early_stopping = MedianStopping{};
  EXPECT_EQ((*CreateStoppingRule(spec))->name(), "median");
  EXPECT_TRUE((*CreateStoppingRule(spec))->Rungs().empty());
  spec.early_stopping = PercentileStopping{{.percentile = 25}};
  EXPECT_EQ((*CreateStoppingRule(spec))->name(), "percentile");
  spec.early_stopping = AshaPromotion{{.max_resource = 9}};
  EXPECT_EQ((*CreateStoppingRule(spec))->name(), "asha");
  spec.early_stopping = AshaStopping{{.max_resource = 9}};
  EXPECT_EQ((*CreateStoppingRule(spec))->name(), "asha_stopping");
  spec.early_stopping = AshaStopping{};
  EXPECT_EQ(CreateStoppingRule(spec).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace athanor
