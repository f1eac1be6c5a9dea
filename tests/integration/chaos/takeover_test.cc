#include "tests/integration/chaos/takeover.h"

#include <gtest/gtest.h>

namespace athanor::chaos {
namespace {

using enum FaultKind;

// Two workers of two slots, and studies that run two trials at once: one worker is enough.
const TakeoverOptions kOptions = {.workers = {{"a", "k", "", 2}, {"b", "k", "", 2}}, .slots_in_use = {{"k", 2}}};
constexpr int kA = 0;
constexpr int kB = 1;

// A trial that worker `a` had from 10 s until its lease was counted as lost at 22 s, and `b` from 22.1 s on.
Facts TrialThatMoved() {
  Facts facts;
  StudyFacts& study = facts["s"];
  (*study.study.mutable_spec()->mutable_requirements()->mutable_labels())["kind"] = std::string("k");
  v1::TrialDetail& trial = study.trials.emplace_back().detail;
  v1::Attempt* attempt = trial.add_attempts();
  attempt->set_worker("a");
  attempt->set_started_unix_ms(10'000);
  attempt->set_ended_unix_ms(22'000);
  attempt->set_outcome(v1::ATTEMPT_OUTCOME_LOST);
  attempt = trial.add_attempts();
  attempt->set_worker("b");
  attempt->set_started_unix_ms(22'100);
  return facts;
}

struct Case {
  const char* name;
  std::vector<Outage> outages;
  int64_t measured;
  int64_t worst_ms;
  int64_t left_out;
};

const Case kCases[] = {
    {"Killed", {{kKillWorker, kA, 20'000, 30'000}}, 1, 2'100, 0},
    {"StillDeadAtTheEnd", {{kKillWorker, kA, 20'000, 0}}, 1, 2'100, 0},
    {"StoppedForLong", {{kStopWorker, kA, 20'000, 30'000}}, 1, 2'100, 0},
    {"CameBackFirst", {{kKillWorker, kA, 20'000, 21'000}}, 0, 0, 1},
    {"DiedBeforeItHadTheTrial", {{kKillWorker, kA, 9'000, 30'000}}, 0, 0, 0},
    {"DiedAfterItHadTheTrial", {{kKillWorker, kA, 22'001, 30'000}}, 0, 0, 0},
    {"OtherWorkerDied", {{kKillWorker, kB, 20'000, 30'000}}, 0, 0, 0},
    {"CoordinatorDownMeanwhile",
     {{kKillWorker, kA, 20'000, 30'000}, {kStopCoordinator, kCoordinator, 21'000, 21'500}},
     0,
     0,
     1},
    {"CoordinatorDownLongBefore",
     {{kKillWorker, kA, 20'000, 30'000}, {kKillCoordinator, kCoordinator, 1'000, 16'999}},
     1,
     2'100,
     0},
    {"CoordinatorJustBack",
     {{kKillWorker, kA, 20'000, 30'000}, {kKillCoordinator, kCoordinator, 1'000, 17'000}},
     0,
     0,
     1},
    {"NoOtherWorkerSound", {{kKillWorker, kA, 20'000, 30'000}, {kReset, kB, 21'000, 21'000}}, 0, 0, 1},
    {"OtherWorkerStruckAfterwards", {{kKillWorker, kA, 20'000, 30'000}, {kReset, kB, 22'101, 22'101}}, 1, 2'100, 0},
};

TEST(TakeoverTest, CountsFromTheDeathToTheNextAttemptWhereNothingElseStoodInTheWay) {
  for (const Case& each : kCases) {
    const Takeovers takeovers = MeasureTakeovers(TrialThatMoved(), each.outages, {}, kOptions);
    EXPECT_EQ(takeovers.measured, each.measured) << each.name;
    EXPECT_EQ(takeovers.worst_ms, each.worst_ms) << each.name;
    EXPECT_EQ(takeovers.left_out, each.left_out) << each.name;
  }
}

TEST(TakeoverTest, SilenceOfADrivenWorkerIsADeathToo) {
  const Takeovers takeovers = MeasureTakeovers(TrialThatMoved(), {}, {{"a", 19'000, 25'000}}, kOptions);
  EXPECT_EQ(takeovers.measured, 1);
  EXPECT_EQ(takeovers.worst_ms, 3'100);
}

TEST(TakeoverTest, WorkerThatIsSilentItselfTakesNothingOver) {
  const Takeovers takeovers =
      MeasureTakeovers(TrialThatMoved(), {{kKillWorker, kA, 20'000, 30'000}}, {{"b", 16'000, 18'000}}, kOptions);
  EXPECT_EQ(takeovers.measured, 0);
  EXPECT_EQ(takeovers.left_out, 1);
}

TEST(TakeoverTest, IsLeftOutWhereTheSlotsMayHaveBeenTaken) {
  TakeoverOptions busy = kOptions;
  busy.slots_in_use["k"] = 3;
  const Takeovers takeovers = MeasureTakeovers(TrialThatMoved(), {{kKillWorker, kA, 20'000, 30'000}}, {}, busy);
  EXPECT_EQ(takeovers.measured, 0);
  EXPECT_EQ(takeovers.left_out, 1);
}

}  // namespace
}  // namespace athanor::chaos
