// Rules with brackets in a whole coordinator: who is given what while a rung waits. SEMANTICS section 4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/testing/coordinator_fixture.h"

namespace athanor {
namespace {

using std::chrono::seconds;
using testing::AshaStudy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TestCoordinator;

enum class Kind { kAsynchronous, kSynchronous };

// Brackets of 9, 5 and 3 trials that pause first at epochs 1, 3 and 9.
StudySpec HyperbandStudy(int64_t trials, Kind kind) {
  StudySpec spec = AshaStudy("s", trials);
  Hyperband hyperband;
  hyperband.max_resource = 9;
  hyperband.synchronous = kind == Kind::kSynchronous;
  spec.early_stopping = hyperband;
  return spec;
}

class Brackets : public ::testing::Test {
 protected:
  void Start(const StudySpec& spec) {
    study = coordinator.Create(spec);
    coordinator.Register("w");
    coordinator.Register("slow");
  }
  // Trains what the worker is given as far as it goes; the trial, nothing if there was no work.
  std::optional<TrialNumber> TrainNext() {
    const Grants grants = coordinator.Acquire("w");
    if (grants.empty()) return std::nullopt;
    const TrialNumber trial = grants[0].ref.trial;
    coordinator.Train(grants[0], [trial](int64_t) { return static_cast<double>(trial) / 100; });
    return trial;
  }
  int64_t Entered(int64_t ladder, int64_t rung) {
    return coordinator.study(study).ladder().rung(ladder, rung).entries().size();
  }

  TestCoordinator coordinator;
  StudyId study = 0;
};

TEST_F(Brackets, HoldWhereTheirTrialsPause) {
  Start(HyperbandStudy(17, Kind::kAsynchronous));
  const Grants grants = coordinator.Acquire("w", 17);
  ASSERT_EQ(grants.size(), 17u);
  EXPECT_THAT(grants[8].hold_at, ElementsAre(1, 3));
  EXPECT_THAT(grants[9].hold_at, ElementsAre(3));
  EXPECT_THAT(grants[14].hold_at, IsEmpty());
  EXPECT_EQ(coordinator.trial(study, 8).bracket, 0);
  EXPECT_EQ(coordinator.trial(study, 9).bracket, 1);
  EXPECT_EQ(coordinator.trial(study, 14).bracket, 2);
  EXPECT_EQ(coordinator.Report(grants[9], 1, 0.5), Action::kContinue);
  EXPECT_EQ(coordinator.Report(grants[9], 3, 0.5), Action::kPause);
}

TEST_F(Brackets, ASlowTrialHoldsUpItsOwnRungAndNoWorker) {
  Start(HyperbandStudy(34, Kind::kSynchronous));
  const LeaseGrant slow = coordinator.Acquire("slow").at(0);
  ASSERT_EQ(slow.ref.trial, 0);
  for (TrialNumber trial = 1; trial < 14; ++trial) EXPECT_EQ(TrainNext(), trial);
  // The second bracket is complete: the best of its five goes on, before the third begins.
  EXPECT_EQ(TrainNext(), 13);
  while (TrainNext().has_value()) {
  }
  // All that is left waits for trial 0; the second cycle has not.
  EXPECT_EQ(coordinator.study(study).trials().size(), 34u);
  EXPECT_EQ(Entered(0, 1), 0);
  EXPECT_EQ(Entered(3, 1), 3);
  EXPECT_EQ(Entered(3, 2), 1);
  coordinator.Train(slow, [](int64_t) { return 0.0; });
  while (TrainNext().has_value()) {
  }
  EXPECT_EQ(Entered(0, 1), 3);
  EXPECT_EQ(Entered(0, 2), 1);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST_F(Brackets, ALostTrialIsTrainedAgainByWhoeverIsThere) {
  Start(HyperbandStudy(9, Kind::kSynchronous));
  const LeaseGrant lost = coordinator.Acquire("slow").at(0);
  for (TrialNumber trial = 1; trial < 9; ++trial) EXPECT_EQ(TrainNext(), trial);
  EXPECT_EQ(TrainNext(), std::nullopt);
  coordinator.Advance(seconds(31));
  EXPECT_EQ(TrainNext(), lost.ref.trial);
  for (const TrialNumber promoted : {8, 7, 6}) EXPECT_EQ(TrainNext(), promoted);
  while (TrainNext().has_value()) {
  }
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
}

TEST_F(Brackets, ACancelledTrialIsNotWaitedFor) {
  Start(HyperbandStudy(9, Kind::kSynchronous));
  ASSERT_EQ(coordinator.Acquire("slow").size(), 1u);
  for (TrialNumber trial = 1; trial < 9; ++trial) EXPECT_EQ(TrainNext(), trial);
  EXPECT_EQ(TrainNext(), std::nullopt);
  ASSERT_TRUE(coordinator.Cancel(study, 0).ok());
  EXPECT_EQ(TrainNext(), 8);  // floor(8 / 3) = 2 of those that are left
  EXPECT_EQ(TrainNext(), 7);
}

TEST_F(Brackets, ADivergedTrialOfAHigherBracketIsPausedAtOnceAndNeverComesBack) {
  Start(HyperbandStudy(10, Kind::kAsynchronous));
  const Grants grants = coordinator.Acquire("w", 10);
  EXPECT_EQ(coordinator.Report(grants[9], 1, std::nan("")), Action::kPause);
  EXPECT_EQ(coordinator.state(study, 9), TrialState::kPaused);
  for (int i = 0; i < 9; ++i) coordinator.Train(grants[i], [](int64_t) { return 0.5; });
  while (const auto trial = TrainNext()) EXPECT_NE(*trial, 9);
  EXPECT_EQ(coordinator.state(study), StudyState::kCompleted);
  EXPECT_EQ(coordinator.state(study, 9), TrialState::kPruned);
}

TEST_F(Brackets, OfAshaAreChosenWhenATrialIsCreatedAndStayAfterARestart) {
  StudySpec spec = AshaStudy("s", 60);
  std::get<AshaPromotion>(spec.early_stopping).brackets = 2;
  spec.search.seed = 3;
  Start(spec);
  while (TrainNext().has_value()) {
  }
  std::vector<int64_t> brackets;
  for (const Trial& trial : coordinator.study(study).trials()) brackets.push_back(trial.bracket);
  const auto passed = std::ranges::count(brackets, 1);
  EXPECT_GT(passed, 0);
  EXPECT_LT(passed, 30);
  EXPECT_EQ(coordinator.study(study).ladder().rung(0, 0).passing(), passed);
  coordinator.Reopen();
  for (size_t i = 0; i < brackets.size(); ++i) {
    EXPECT_EQ(coordinator.trial(study, static_cast<TrialNumber>(i)).bracket, brackets[i]);
  }
}

}  // namespace
}  // namespace athanor
