#include "client/cli/study_progress.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <cmath>
#include <limits>

namespace athanor::cli {
namespace {

using ::testing::ElementsAre;

template <typename Message>
Message Parse(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

std::vector<int64_t> TimesOf(const std::vector<Reading>& readings) {
  std::vector<int64_t> times;
  for (const Reading& reading : readings) times.push_back(reading.unix_ms);
  return times;
}

// (trials, steps, ms, value) of each improvement.
std::vector<std::tuple<int64_t, int64_t, int64_t, double>> RowsOf(const StudyProgress& progress) {
  std::vector<std::tuple<int64_t, int64_t, int64_t, double>> rows;
  for (const Improvement& i : progress.improvements)
    rows.emplace_back(i.spent.trials, i.spent.steps, i.spent.ms, i.value);
  return rows;
}

TEST(ReadingsOfTest, OneAttemptIsTimedFromItsStart) {
  const auto trial = Parse<v1::Trial>("number: 7 started_unix_ms: 1000 attempts: 1");
  const auto curve = Parse<v1::MetricCurve>("steps: [1, 3] values: [0.5, 0.6] elapsed_ms: [100, 300]");
  const std::vector<Reading> readings = ReadingsOf(trial, curve, {});
  EXPECT_THAT(TimesOf(readings), ElementsAre(1100, 1300));
  EXPECT_EQ(readings[0].steps, 1);
  EXPECT_EQ(readings[1].steps, 2);
  EXPECT_EQ(readings[1].trial, 7);
  EXPECT_EQ(readings[1].step, 3);
}

TEST(ReadingsOfTest, LaterAttemptsAreTimedFromWhereTheyWentOn) {
  const auto trial = Parse<v1::Trial>("number: 0 started_unix_ms: 1000 attempts: 4");
  const auto curve =
      Parse<v1::MetricCurve>("steps: [1, 2, 3, 4] values: [0, 0, 0, 0] elapsed_ms: [100, 200, 300, 400]");
  // The second went on from step 3 and was lost; the third from step 2, so that step 3 is its own; the fourth has not
  // got anywhere.
  const std::vector<v1::Attempt> attempts = {
      Parse<v1::Attempt>("token: 1 started_unix_ms: 1000"),
      Parse<v1::Attempt>("token: 2 started_unix_ms: 5000 resumed_step: 3"),
      Parse<v1::Attempt>("token: 3 started_unix_ms: 9000 resumed_step: 2"),
      Parse<v1::Attempt>("token: 4 started_unix_ms: 20000 resumed_step: 4"),
  };
  EXPECT_THAT(TimesOf(ReadingsOf(trial, curve, attempts)), ElementsAre(1100, 1200, 9100, 9200));
}

TEST(FollowTest, BestSoFarIsByTimeAndCountsWhatWasSpent) {
  // Trial 1 was measured before trial 0's second step.
  const std::vector<Reading> readings = {
      {.unix_ms = 1100, .trial = 0, .step = 1, .steps = 1, .value = 0.5},
      {.unix_ms = 1900, .trial = 0, .step = 3, .steps = 2, .value = 0.8},
      {.unix_ms = 1300, .trial = 1, .step = 1, .steps = 1, .value = 0.6},
      {.unix_ms = 2500, .trial = 2, .step = 9, .steps = 9, .value = 0.7},
  };
  const StudyProgress up = Follow(readings, v1::GOAL_MAXIMIZE, 1000);
  EXPECT_THAT(RowsOf(up),
              ElementsAre(std::tuple(1, 1, 100, 0.5), std::tuple(2, 2, 300, 0.6), std::tuple(2, 4, 900, 0.8)));
  EXPECT_EQ(up.improvements[2].trial, 0);
  EXPECT_EQ(up.improvements[2].step, 3);
  EXPECT_EQ(up.spent.trials, 3);
  EXPECT_EQ(up.spent.steps, 13);
  EXPECT_EQ(up.spent.ms, 1500);
  EXPECT_THAT(RowsOf(Follow(readings, v1::GOAL_MINIMIZE, 1000)), ElementsAre(std::tuple(1, 1, 100, 0.5)));
}

TEST(FollowTest, NonFiniteValuesCostAndImproveNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Reading> readings = {
      {.unix_ms = 1, .trial = 0, .step = 1, .steps = 1, .value = nan},
      {.unix_ms = 2, .trial = 1, .step = 1, .steps = 1, .value = HUGE_VAL},
      {.unix_ms = 3, .trial = 2, .step = 1, .steps = 1, .value = 0.1},
      {.unix_ms = 4, .trial = 2, .step = 2, .steps = 1, .value = 0.1},
  };
  EXPECT_THAT(RowsOf(Follow(readings, v1::GOAL_MAXIMIZE, 0)), ElementsAre(std::tuple(3, 3, 3, 0.1)));
  EXPECT_TRUE(Follow({readings[0]}, v1::GOAL_MAXIMIZE, 0).improvements.empty());
}

TEST(FirstAsGoodAsTest, EqualIsGoodEnough) {
  const StudyProgress progress = Follow({{.unix_ms = 1, .trial = 0, .step = 1, .steps = 1, .value = 0.5},
                                         {.unix_ms = 2, .trial = 1, .step = 1, .steps = 1, .value = 0.7}},
                                        v1::GOAL_MAXIMIZE, 0);
  EXPECT_EQ(FirstAsGoodAs(progress, 0.4, v1::GOAL_MAXIMIZE)->value, 0.5);
  EXPECT_EQ(FirstAsGoodAs(progress, 0.7, v1::GOAL_MAXIMIZE)->value, 0.7);
  EXPECT_EQ(FirstAsGoodAs(progress, 0.71, v1::GOAL_MAXIMIZE), nullptr);
}

}  // namespace
}  // namespace athanor::cli
