#include "client/cli/watch_view.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace athanor::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Look kPlain = {.charset = Charset::kUtf8, .colour = Colour::kNever};

v1::StudySnapshot Parse(const std::string& text) {
  v1::StudySnapshot snapshot;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &snapshot));
  return snapshot;
}

// A study in the middle: two running, one of them promoted; a leader of each kind of end.
v1::StudySnapshot Middle() {
  return Parse(R"pb(
    study {
      id: 3
      spec {
        name: "fashion-quick"
        objectives { metric: "val_accuracy" goal: GOAL_MAXIMIZE }
        search { method: "random" seed: 42 }
        early_stopping { asha { min_resource: 1 max_resource: 9 reduction_factor: 3 } }
      }
      state: STUDY_STATE_ACTIVE
      active_ms: 151000
      trial_counts { state: TRIAL_STATE_COMPLETED count: 1 }
      trial_counts { state: TRIAL_STATE_PRUNED count: 2 }
      trial_counts { state: TRIAL_STATE_PAUSED count: 3 }
      trial_counts { state: TRIAL_STATE_RUNNING count: 2 }
      trial_counts { state: TRIAL_STATE_FAILED count: 0 }
      best { number: 4 best_value: 0.8934 best_step: 9 }
      trials_total: 12
      rungs: [ 1, 3, 9 ]
      max_resource: 9
    }
    running {
      number: 7
      state: TRIAL_STATE_RUNNING
      parameters {
        name: "learning_rate"
        value { float_value: 0.012345 }
      }
      parameters {
        name: "optimizer"
        value { string_value: "sgd" }
      }
      final_value: 0.8812
      final_step: 2
      worker: "box/0"
      progress { fraction: 0.25 train_loss: 0.4321 }
    }
    running { number: 11 state: TRIAL_STATE_RUNNING worker: "box/1" }
    leaders {
      number: 4
      state: TRIAL_STATE_COMPLETED
      best_value: 0.8934
      best_step: 9
      final_step: 9
      parameters {
        name: "learning_rate"
        value { float_value: 0.1 }
      }
    }
    leaders { number: 7 state: TRIAL_STATE_RUNNING best_value: 0.8812 best_step: 2 final_step: 2 rung: 0 }
    leaders { number: 2 state: TRIAL_STATE_PAUSED best_value: 0.87 best_step: 3 final_step: 3 rung: 1 }
    leaders { number: 5 state: TRIAL_STATE_PRUNED best_value: 0.7 best_step: 4 final_step: 4 }
    curves {
      trial_number: 7
      steps: [ 1, 2 ]
      values: [ 0.8, 0.8812 ]
    }
    curves {
      trial_number: 4
      steps: [ 1, 2, 3, 4 ]
      values: [ 0.6, 0.75, nan, 0.8934 ]
    }
    workers {
      name: "box"
      state: WORKER_STATE_ONLINE
      slots: 2
      leased: 2
      devices { kind: "cpu" }
    }
    eta_ms: 80000
  )pb");
}

std::string Frame(const v1::StudySnapshot& snapshot, ViewSize size, const Look& look) {
  std::string frame = "\n";
  for (const std::string& line : RenderWatch(snapshot, size, look)) frame += line + "\n";
  return frame;
}

TEST(WatchViewTest, ShowsEverySectionOnAWideTerminal) {
  EXPECT_EQ(Frame(Middle(), {.width = 100, .height = 40}, kPlain), R"(
fashion-quick  ACTIVE  random search, asha 1 to 9, factor 3                             active 2m31s
maximize val_accuracy  best 0.8934 at step 9, trial 4
━━━━━━━━━━━━────────────────────────────────────  3/12 trials  25%  ETA 1m20s
2 running  3 paused  1 completed  2 pruned  4 to come

RUNNING  PROGRESS           STEP  VAL_ACCURACY  CURVE    LOSS  WORKER  PARAMETERS
      7  ━━━─────────  25%   2/9        0.8812  ▁█     0.4321  box/0   learning_rate=0.01235 optimi…
     11  starting            0/9                               box/1

LEADER  TRIAL  VAL_ACCURACY  STEP  CURVE  ENDED                      PARAMETERS
     1      4        0.8934     9  ▁▅×█   completed                  learning_rate=0.1
     2      7        0.8812     2  ▁█     running
     3      2        0.8700     3         paused at rung 1 (step 3)
     4      5        0.7000     4         pruned at step 4

WORKER  STATE   BUSY  DEVICES
box     ONLINE   2/2  cpu
)");
}

TEST(WatchViewTest, CutsLinesAndCountsRowsOnASmallTerminal) {
  EXPECT_EQ(Frame(Middle(), {.width = 44, .height = 12}, kPlain), R"(
fashion-quick  ACTIVE  random search, asha …
maximize val_accuracy  best 0.8934 at step …
━━━╸───────────  3/12 trials  25%  ETA 1m20s
2 running  3 paused  1 completed  2 pruned …

RUNNING  PROGRESS    STEP  VAL_ACCURACY  CU…
      7  ━────  25%   2/9        0.8812  ▁█…

LEADER  TRIAL  VAL_ACCURACY  STEP  CURVE  E…
     1      4        0.8934     9  ▁▅×█   c…
     2      7        0.8812     2  ▁█     r…
+2 more
)");
}

TEST(WatchViewTest, KeepsToAsciiWhereTheLocaleDoes) {
  v1::StudySnapshot snapshot = Middle();
  snapshot.clear_running();
  snapshot.clear_workers();
  snapshot.mutable_study()->mutable_spec()->set_name("caf\xC3\xA9");
  EXPECT_EQ(Frame(snapshot, {.width = 60, .height = 40}, {.charset = Charset::kAscii, .colour = Colour::kNever}), R"(
caf?  ACTIVE  random search, asha 1 to 9, factor 3
maximize val_accuracy  best 0.8934 at step 9, trial 4
#######------------------------  3/12 trials  25%  ETA 1m20s
2 running  3 paused  1 completed  2 pruned  4 to come

LEADER  TRIAL  VAL_ACCURACY  STEP  CURVE  ENDED            ~
     1      4        0.8934     9  _=x#   completed        ~
     2      7        0.8812     2  _#     running
     3      2        0.8700     3         paused at rung 1 ~
     4      5        0.7000     4         pruned at step 4
)");
}

TEST(WatchViewTest, ColoursStatesAndNothingElse) {
  const std::vector<std::string> lines =
      RenderWatch(Middle(), {.width = 200, .height = 40}, {.charset = Charset::kUtf8, .colour = Colour::kAnsi});
  EXPECT_THAT(lines[0], HasSubstr("\x1b[1mfashion-quick\x1b[0m  \x1b[36mACTIVE\x1b[0m"));
  EXPECT_EQ(lines[3],
            "\x1b[36m2 running\x1b[0m  \x1b[33m3 paused\x1b[0m  \x1b[32m1 completed\x1b[0m  \x1b[2m2 pruned\x1b[0m  "
            "\x1b[2m4 to come\x1b[0m");
}

TEST(WatchViewTest, SaysHowAStudyEnded) {
  v1::StudySnapshot snapshot = Middle();
  v1::Study* study = snapshot.mutable_study();
  study->set_state(v1::STUDY_STATE_FAILED);
  study->set_reason("10 trials FAILED, the limit of max_failures");
  const std::string frame = Frame(snapshot, {.width = 100, .height = 40}, kPlain);
  EXPECT_THAT(frame, HasSubstr("fashion-quick  FAILED  "));
  EXPECT_THAT(frame, HasSubstr("\n10 trials FAILED, the limit of max_failures\n"));
  EXPECT_THAT(frame, Not(HasSubstr("ETA")));
  EXPECT_THAT(frame, Not(HasSubstr("to come")));
}

TEST(WatchViewTest, EverySizeFits) {
  v1::StudySnapshot snapshot = Middle();
  for (int i = 0; i < 30; ++i) *snapshot.add_running() = snapshot.running(0);
  for (int i = 0; i < 30; ++i) *snapshot.add_leaders() = snapshot.leaders(0);
  for (int i = 0; i < 30; ++i) *snapshot.add_workers() = snapshot.workers(0);
  for (const v1::StudySnapshot& shown : {snapshot, Middle(), v1::StudySnapshot()}) {
    for (size_t width = 1; width < 160; ++width) {
      const ViewSize size{.width = width, .height = width % 50 + 1};
      const std::vector<std::string> lines = RenderWatch(shown, size, kPlain);
      EXPECT_LE(lines.size(), size.height);
      for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), width) << line;
    }
  }
  // With room for all but the rows cut, nothing is left empty.
  EXPECT_EQ(RenderWatch(snapshot, {.width = 100, .height = 40}, kPlain).size(), 40u);
}

}  // namespace
}  // namespace athanor::cli
