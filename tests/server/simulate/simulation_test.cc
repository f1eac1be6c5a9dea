// Schedules worked out by hand.
#include "server/simulate/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/server/simulate/tables.h"

namespace athanor {
namespace {

using testing::InOrder;
using testing::Table;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

SimulationOptions Workers(int64_t workers) {
  SimulationOptions options;
  options.cluster.workers = workers;
  return options;
}

AshaPromotion Asha(int64_t reduction_factor) {
  AshaPromotion asha;
  asha.reduction_factor = reduction_factor;
  asha.finalists = 0;
  return asha;
}

// Full runs take 4 s: a unit. Two workers: rows 0 and 1 until 4 s, 2 and 3 until 8 s, 4 until 12 s, when the other has
// been idle for 4 s.
TEST(SimulationTest, RunsEveryRowToTheEndWithoutStopping) {
  const auto task = Table({{9, 8, 7, 6}, {9, 9, 9, 9}, {9, 5, 4, 8}, {9, 9, 9, 9}, {9, 9, 2, 1}});
  const auto result = Simulate(*task, InOrder(), Workers(2), nullptr).value();
  EXPECT_EQ(result.trials, 5);
  EXPECT_EQ(result.completed, 5);
  EXPECT_EQ(result.steps, 20);
  EXPECT_EQ(result.leases, 5);
  EXPECT_EQ(result.decisions, 25);
  EXPECT_DOUBLE_EQ(result.end, 3);
  EXPECT_DOUBLE_EQ(result.busy, 5);
  EXPECT_DOUBLE_EQ(result.idle, 1);
  // Both targets are the best final value, 1. A better value on the way counts as soon as it is there.
  ASSERT_EQ(result.reached.size(), 2u);
  EXPECT_EQ(result.reached[0], 3);
  struct Seen {
    double time;
    int64_t steps, trials;
    double best;
  };
  const Seen expected[] = {{0.25, 1, 2, 9}, {0.5, 3, 2, 8},   {0.75, 5, 2, 7},  {1, 7, 2, 6},
                           {1.5, 11, 4, 5}, {1.75, 13, 4, 4}, {2.75, 19, 5, 2}, {3, 20, 5, 1}};
  ASSERT_EQ(result.improvements.size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_DOUBLE_EQ(result.improvements[i].time, expected[i].time) << i;
    EXPECT_EQ(result.improvements[i].steps, expected[i].steps) << i;
    EXPECT_EQ(result.improvements[i].trials, expected[i].trials) << i;
    EXPECT_EQ(result.improvements[i].best, expected[i].best) << i;
  }
}

// asha with rungs at 1, 2 and 4 and one worker. Steps: trial 0 to 1; trial 1 to 1 (better: promoted), to 2; trials 2
// and 3 to 1 (two of four may go on: 1, which has, and 3), trial 3 to 2 (best of two: goes on at once), to 4, at no
// cost for what it has done before.
TEST(SimulationTest, PromotesAndResumesAtNoCost) {
  const auto task = Table({{9, 9, 9, 9}, {5, 5, 5, 5}, {8, 8, 8, 8}, {4, 3, 2, 1}});
  std::string log;
  const auto result = Simulate(*task, InOrder(Asha(2)), Workers(1), &log).value();
  EXPECT_EQ(result.trials, 4);
  EXPECT_EQ(result.completed, 1);
  EXPECT_EQ(result.steps, 4 + 2 + 2);
  EXPECT_EQ(result.leases, 7);
  EXPECT_DOUBLE_EQ(result.end, 8.0 / 4);
  EXPECT_EQ(result.reached[0], 2);
  EXPECT_DOUBLE_EQ(result.idle, 0);
  EXPECT_EQ(log,
            "study \"table\" random asha\n"
            "trial 0 x=0.0\n"
            "attempt 1 trial 0 on w0 at 0\n"
            "attempt 1 trial 0 from step 0\n"
            "decision trial 0 step 1 asha rung 0 value 9.0 bound nan n 1 PAUSE\n"
            "rung 0 trial 0 value 9.0\n"
            "attempt 1 PAUSED at 1000\n"
            "trial 1 x=0.3333333333333333\n"
            "attempt 2 trial 1 on w0 at 1000\n"
            "attempt 2 trial 1 from step 0\n"
            "decision trial 1 step 1 asha rung 0 value 5.0 bound 5.0 n 2 PAUSE\n"
            "rung 0 trial 1 value 5.0\n"
            "attempt 2 PAUSED at 2000\n"
            "rung 0 trial 1 value 5.0 promoted\n"
            "attempt 3 trial 1 on w0 at 2000\n"
            "decision trial 1 step 1 asha rung 0 value 5.0 bound 5.0 n 2 CONTINUE\n"
            "attempt 3 trial 1 from step 1\n"
            "decision trial 1 step 2 asha rung 1 value 5.0 bound nan n 1 PAUSE\n"
            "rung 1 trial 1 value 5.0\n"
            "attempt 3 PAUSED at 3000\n"
            "trial 2 x=0.6666666666666666\n"
            "attempt 4 trial 2 on w0 at 3000\n"
            "attempt 4 trial 2 from step 0\n"
            "decision trial 2 step 1 asha rung 0 value 8.0 bound 5.0 n 3 PAUSE\n"
            "rung 0 trial 2 value 8.0\n"
            "attempt 4 PAUSED at 4000\n"
            "trial 3 x=1.0\n"
            "attempt 5 trial 3 on w0 at 4000\n"
            "attempt 5 trial 3 from step 0\n"
            "decision trial 3 step 1 asha rung 0 value 4.0 bound 5.0 n 4 PAUSE\n"
            "rung 0 trial 3 value 4.0\n"
            "attempt 5 PAUSED at 5000\n"
            "rung 0 trial 3 value 4.0 promoted\n"
            "attempt 6 trial 3 on w0 at 5000\n"
            "decision trial 3 step 1 asha rung 0 value 4.0 bound 5.0 n 4 CONTINUE\n"
            "attempt 6 trial 3 from step 1\n"
            "decision trial 3 step 2 asha rung 1 value 3.0 bound 3.0 n 2 PAUSE\n"
            "rung 1 trial 3 value 3.0\n"
            "attempt 6 PAUSED at 6000\n"
            "rung 1 trial 3 value 3.0 promoted\n"
            "attempt 7 trial 3 on w0 at 6000\n"
            "decision trial 3 step 2 asha rung 1 value 3.0 bound 3.0 n 2 CONTINUE\n"
            "attempt 7 trial 3 from step 2\n"
            "decision trial 3 step 4 asha rung 2 value 1.0 bound nan n 1 CONTINUE\n"
            "rung 2 trial 3 value 1.0\n"
            "attempt 7 COMPLETED at 8000\n"
            "study COMPLETED every trial has ended\n");
}

TEST(SimulationTest, StopsAtTheCutOff) {
  const auto task = Table({{9, 8}, {7, 6}, {5, 4}, {3, 2}});
  SimulationOptions options = Workers(1);
  options.cut_off = 1.75;
  const auto result = Simulate(*task, InOrder(), options, nullptr).value();
  EXPECT_DOUBLE_EQ(result.end, 1.75);
  EXPECT_EQ(result.steps, 3);
  EXPECT_EQ(result.improvements.back().best, 7);
  EXPECT_EQ(result.reached[0], std::nullopt);
  EXPECT_DOUBLE_EQ(result.busy, 1.75);
}

TEST(SimulationTest, StopsAtTheLastTargetIfAsked) {
  const auto task = Table({{9, 1}, {7, 6}, {5, 4}});
  SimulationOptions options = Workers(1);
  options.stop_at = StopAt::kLastTarget;
  const auto result = Simulate(*task, InOrder(), options, nullptr).value();
  EXPECT_DOUBLE_EQ(result.end, 1);
  EXPECT_EQ(result.reached[1], 1);
}

// The first is promoted from the rung at 1, past which it was not recorded: it completes at once.
TEST(SimulationTest, RunsEndWhereTheirRecordingDoes) {
  const auto task = Table({{1}, {4, 4, 4, 4}});
  const auto result = Simulate(*task, InOrder(Asha(2)), Workers(1), nullptr).value();
  EXPECT_EQ(result.trials, 2);
  EXPECT_EQ(result.completed, 1);
  EXPECT_EQ(result.steps, 2);
  EXPECT_DOUBLE_EQ(result.end, 2 / 2.5);
}

TEST(SimulationTest, ValuesThatAreNoNumberNeverLead) {
  const auto task = Table({{kNan, kNan}, {3, kNan}});
  const auto result = Simulate(*task, InOrder(), Workers(2), nullptr).value();
  ASSERT_EQ(result.improvements.size(), 1u);
  EXPECT_EQ(result.improvements[0].best, 3);
}

// Each lease takes longer by a factor of its own, at least 1.
TEST(SimulationTest, SlowWorkersTakeLonger) {
  const auto task = Table(std::vector<std::vector<double>>(200, {1.0, 1.0}));
  SimulationOptions options = Workers(1);
  options.cut_off = 1e5;
  const double prompt = Simulate(*task, InOrder(), options, nullptr).value().end;
  EXPECT_DOUBLE_EQ(prompt, 200);
  options.cluster.slow_sigma = 0.5;
  const double slow = Simulate(*task, InOrder(), options, nullptr).value().end;
  // E|N(0, 0.5)| = 0.5 * sqrt(2 / pi) = 0.399; the mean of 200 has a standard error of 0.021.
  EXPECT_NEAR(slow / prompt, 1.399, 0.085);
}

TEST(SimulationTest, LogsAreTheSameOnEveryRunAndDifferWithTheSeed) {
  std::vector<std::vector<double>> values;
  for (int i = 0; i < 60; ++i) {
    values.push_back({});
    for (int k = 0; k < 9; ++k) values.back().push_back((i * 37 % 60) / (k + 1.0));
  }
  const auto task = Table(values);
  Policy policy = InOrder(Asha(3));
  policy.proposals = Proposals::kSearched;
  SimulationOptions options = Workers(7);
  options.cluster.slow_sigma = 0.3;
  options.cluster.loss_rate = 0.2;
  std::string logs[3];
  for (std::string& log : logs) {
    options.seed = &log == &logs[2] ? 1 : 0;
    ASSERT_TRUE(Simulate(*task, policy, options, &log).ok());
  }
  EXPECT_GT(logs[0].size(), 1000u);
  EXPECT_EQ(logs[0], logs[1]);
  EXPECT_NE(logs[0], logs[2]);
}

TEST(SimulationTest, NamesWhatIsWrongWithAPolicy) {
  const auto task = Table({{1, 1}});
  Policy policy = InOrder();
  policy.search.method = "magic";
  const auto refused = Simulate(*task, policy, Workers(1), nullptr);
  EXPECT_THAT(std::string(refused.status().message()), ::testing::StartsWith("search.method: \"magic\""));
  policy = InOrder();
  policy.budget.wall_clock_ms = 1000;
  const auto timed = Simulate(*task, policy, Workers(1), nullptr);
  EXPECT_THAT(std::string(timed.status().message()), ::testing::StartsWith("budget.wall_clock: "));
  EXPECT_EQ(Simulate(*task, InOrder(), Workers(0), nullptr).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace athanor
