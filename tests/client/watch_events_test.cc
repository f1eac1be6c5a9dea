#include "client/cli/watch_events.h"

#include <google/protobuf/text_format.h>

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace athanor::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::StudySnapshot Parse(const std::string& text) {
  v1::StudySnapshot snapshot;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &snapshot));
  return snapshot;
}

// Finished trials as the coordinator would list them, and how often it was asked.
class WatchEventsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Update(const v1::StudySnapshot& snapshot) {
    const auto fresh = events_.Update(snapshot);
    EXPECT_TRUE(fresh.ok()) << fresh.status();
    std::vector<std::string> lines;
    for (const WatchEvent& event : *fresh) lines.push_back(EventText(event, "accuracy"));
    return lines;
  }

  void Finish(int64_t number, v1::TrialState state, double best, int64_t step) {
    v1::Trial trial;
    trial.set_number(number);
    trial.set_state(state);
    trial.set_best_value(best);
    trial.set_best_step(step);
    finished_.insert(finished_.begin(), trial);
  }

  std::vector<v1::Trial> finished_;  // highest number first
  int asked_ = 0;
  WatchEvents events_{[this](const std::function<bool(const v1::Trial&)>& visit) {
    ++asked_;
    for (const v1::Trial& trial : finished_) {
      if (!visit(trial)) break;
    }
    return absl::OkStatus();
  }};
};

TEST_F(WatchEventsTest, PausePromotionAndPruningComeFromTheSnapshot) {
  EXPECT_THAT(
      Update(Parse("decisions { trial_number: 1 step: 1 rule: 'asha' rung: 0 value: 0.5 action: ACTION_PAUSE }"
                   "decisions { trial_number: 2 step: 1 rule: 'asha' rung: 0 value: 0.6 action: ACTION_CONTINUE }")),
      ElementsAre("trial 1 paused at rung 0: accuracy 0.5000 at step 1 (by asha)"));
  EXPECT_THAT(Update(Parse("running { number: 1 rung: 0 }")), ElementsAre("trial 1 promoted from rung 0"));
  EXPECT_THAT(Update(Parse("running { number: 1 rung: 0 }")), IsEmpty());
  EXPECT_THAT(Update(Parse("decisions { trial_number: 1 step: 3 rule: 'asha' rung: 1 value: 0.7 action: ACTION_PAUSE }"
                           "decisions { trial_number: 1 step: 9 rule: 'asha' rung: 2 value: 0.8 action: ACTION_PAUSE }"
                           "decisions { trial_number: 4 step: 2 rule: 'median' value: nan action: ACTION_PRUNE }"
                           "study { trial_counts { state: TRIAL_STATE_PRUNED count: 1 } }")),
              ElementsAre("trial 1 paused at rung 1: accuracy 0.7000 at step 3 (by asha)", "trial 1 promoted",
                          "trial 1 paused at rung 2: accuracy 0.8000 at step 9 (by asha)",
                          "trial 4 pruned: accuracy nan at step 2 (by median)"));
  EXPECT_EQ(asked_, 0);
}

TEST_F(WatchEventsTest, OtherEndsAreAskedForOnlyWhenTheCountsGrew) {
  Finish(0, v1::TRIAL_STATE_COMPLETED, 0.9, 5);
  const v1::StudySnapshot one = Parse(
      "study { trial_counts { state: TRIAL_STATE_COMPLETED count: 1 }"
      "        trial_counts { state: TRIAL_STATE_RUNNING count: 3 } }");
  EXPECT_THAT(Update(one), ElementsAre("trial 0 completed: accuracy 0.9000 at step 5"));
  EXPECT_THAT(Update(one), IsEmpty());
  EXPECT_EQ(asked_, 1);

  Finish(1, v1::TRIAL_STATE_FAILED, 0.1, 1);
  finished_.front().set_reason("killed by signal 9");
  Finish(2, v1::TRIAL_STATE_CANCELLED, 0.2, 1);
  EXPECT_THAT(Update(Parse("study { trial_counts { state: TRIAL_STATE_COMPLETED count: 1 }"
                           "        trial_counts { state: TRIAL_STATE_FAILED count: 1 }"
                           "        trial_counts { state: TRIAL_STATE_CANCELLED count: 1 } }")),
              ElementsAre("trial 1 failed: accuracy 0.1000 at step 1 (killed by signal 9)",
                          "trial 2 cancelled: accuracy 0.2000 at step 1"));
  EXPECT_EQ(asked_, 2);
}

TEST_F(WatchEventsTest, ARetriedTrialIsReportedAgain) {
  Finish(0, v1::TRIAL_STATE_FAILED, 0.1, 1);
  Update(Parse("study { trial_counts { state: TRIAL_STATE_FAILED count: 1 } }"));
  EXPECT_THAT(Update(Parse("running { number: 0 }")), IsEmpty());
  finished_.clear();
  Finish(0, v1::TRIAL_STATE_COMPLETED, 0.8, 3);
  EXPECT_THAT(Update(Parse("study { trial_counts { state: TRIAL_STATE_COMPLETED count: 1 } }")),
              ElementsAre("trial 0 completed: accuracy 0.8000 at step 3"));
}

TEST_F(WatchEventsTest, FailureToAskIsReturned) {
  WatchEvents events([](const auto&) { return absl::UnavailableError("gone"); });
  EXPECT_EQ(events.Update(Parse("study { trial_counts { state: TRIAL_STATE_FAILED count: 1 } }")).status().message(),
            "gone");
}

}  // namespace
}  // namespace athanor::cli
